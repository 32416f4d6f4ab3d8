/* The trend: what was measured and what is expected, by the server's `/trend`, as a table of the page's own engine. */

const AT_LEAST_S = 5;    // between two questions, and more where the server's answer is kept for longer

export const TABLE = "meters_trend";

export class Trend {
    /**
     * `panels` show the table. `url()` is the address to ask, `worker()` makes an engine. `select` is the control for
     * the column of a panel of which people are to choose a value.
     */
    constructor(panels, url, worker, select) {
        Object.assign(this, {panels, url, worker, select, connected: true, ended: false});
        this.status = "asking for the trend";
        this.chooses = panels.filter(({column}) => column);
        select.onchange = () => this.chooses.forEach(panel => this.choose(panel));
    }

    /** Asks, again and again, until `end`. */
    async run() {
        while (!this.ended) {
            let rest = AT_LEAST_S;
            try {
                rest = Math.max(rest, await this.ask());
                this.say(`the trend as of ${new Date().toLocaleTimeString()}`, "");
            } catch (error) {
                if (!this.ended && !this.again) this.say("no trend", error.message ?? String(error));
            }
            this.again = false;
            await new Promise(resolve => {
                this.wake = resolve;
                this.timer = setTimeout(resolve, rest * 1000);
            });
        }
    }

    /** What the sheet's status says, and what the panels do. */
    say(status, reason) {
        this.status = status;
        this.panels.forEach(panel => panel.say(reason, true));
    }

    /** People have chosen another time range. */
    hurry() {
        this.again = true;
        this.asking?.abort();
        this.wake?.();
    }

    /** Asks once; how many seconds the answer is kept. */
    async ask() {
        this.asking = new AbortController();
        const reply = await fetch(this.url(), {signal: this.asking.signal});
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
        return Number(/max-age=(\d+)/.exec(reply.headers.get("Cache-Control"))?.[1] ?? 0);
    }

    /** Fills the control with what there is to choose. */
    async offer() {
        const [panel] = this.chooses;
        if (!panel) return;
        const view = await this.table.view({group_by: [panel.column], group_rollup_mode: "flat", columns: []});
        const values = (await view.to_json()).map(row => row.__ROW_PATH__[0]);
        await view.delete();
        const chosen = this.select.value || panel.state.filter?.find(([column]) => column === panel.column)?.[2];
        this.select.replaceChildren(...values.map(value => new Option(value)));
        this.select.value = values.includes(chosen) ? chosen : values[0];
        this.select.ariaLabel = panel.column;
        this.select.hidden = false;
        for (const each of this.chooses) if (!each.viewer || !values.includes(chosen)) await this.choose(each);
    }

    /** Filters a panel by what people have chosen. */
    choose(panel) {
        const others = (panel.state.filter ?? []).filter(([column]) => column !== panel.column);
        return panel.change({filter: [...others, [panel.column, "==", this.select.value]]});
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
