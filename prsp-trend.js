/* The trend: what was measured and what is expected, by the server's `/trend`, as a table of the page's own engine. */

const AT_LEAST_S = 5;    // between two questions, and more where the server's answer is kept for longer

export const TABLE = "meters_trend";

export class Trend {
    /**
     * `panels` show the table. `url()` is the address to ask, `worker()` makes an engine. `select` is the control by
     * which people choose a location, where the configuration of a panel has `choose`.
     */
    constructor(panels, url, worker, select) {
        Object.assign(this, {panels, url, worker, select, connected: true, ended: false});
        this.status = "asking for the trend";
        this.chooses = panels.filter(({chooses}) => chooses);
        this.wanted = this.chooses[0]?.state.filter?.find(([column]) => column === "location")?.[2] ?? "";
        select.onchange = () => {
            this.wanted = select.value;
            this.hurry();
        };
    }

    /** Asks, again and again, until `end`. */
    async run() {
        while (!this.ended) {
            this.again = false;
            let rest = AT_LEAST_S;
            try {
                rest = Math.max(rest, await this.ask());
            } catch (error) {
                if (!this.ended && !this.again) this.say("no trend", error.message ?? String(error));
            }
            if (!this.again) await new Promise(resolve => {
                this.wake = resolve;
                this.timer = setTimeout(resolve, rest * 1000);
            });
        }
    }

    /** What the sheet's status says, and what these panels do; the others say nothing. */
    say(status, reason, panels = this.panels) {
        this.status = status;
        this.panels.forEach(panel => panel.say(panels.includes(panel) ? reason : "", true));
    }

    /** People have chosen another time range, or another location. */
    hurry() {
        this.again = true;
        this.asking?.abort();
        this.wake?.();
    }

    /** The server's reply: all locations, where people choose none. */
    fetch() {
        const url = this.url(), {signal} = this.asking = new AbortController();
        if (this.chooses.length) url.searchParams.set("location", this.wanted);
        return fetch(url, {signal});
    }

    /** Asks once; how many seconds the answer is kept. */
    async ask() {
        let reply = await this.fetch();
        if (reply.status === 404 && this.wanted) {  // there is no such location: the first one
            this.wanted = "";
            reply = await this.fetch();
        }
        if (!reply.ok) throw new Error((await reply.text()).split("\n")[0] || `the server answers ${reply.status}`);
        const rows = await reply.arrayBuffer();
        if (this.client) await this.table.replace(rows);
        else {
            const engine = await this.worker();
            this.table = await engine.table(rows, {name: TABLE});
            this.client = engine;
        }
        if (this.ended) return 0;
        await this.offer();
        await Promise.all(this.panels.map(panel => panel.viewer || panel.show(this.client, this)));
        const note = reply.headers.get("Trend-Note") ?? "";
        this.say(`the trend as of ${new Date().toLocaleTimeString()}`, note, this.chooses);
        return Number(/max-age=(\d+)/.exec(reply.headers.get("Cache-Control"))?.[1] ?? 0);
    }

    /** Fills the control with the locations, and filters the panels by the one that the server has sent. */
    async offer() {
        if (!this.chooses.length) return;
        const view = await this.table.view({group_by: ["location"], group_rollup_mode: "flat", columns: []});
        const values = (await view.to_json()).map(row => row.__ROW_PATH__[0]);
        await view.delete();
        this.wanted ||= values[0];
        if (String(values) !== String([...this.select.options].map(({value}) => value)))  // people may have it open
            this.select.replaceChildren(...values.map(value => new Option(value)));
        Object.assign(this.select, {value: this.wanted, ariaLabel: "location", hidden: false});
        if (this.shown === this.wanted) return;
        this.shown = this.wanted;
        for (const panel of this.chooses) {
            const others = (panel.state.filter ?? []).filter(([column]) => column !== "location");
            await panel.change({filter: [...others, ["location", "==", this.shown]]});
        }
    }

    /** Ends it; the panels have ended. */
    end() {
        this.ended = true;
        this.select.hidden = true;
        clearTimeout(this.timer);
        this.asking?.abort();
        this.wake?.();
        this.client?.terminate();
    }
}
