/* The sheets: which one is shown, and what its panels query. Only the panels of that sheet exist. */

import {Connection} from "./prsp-connection.js";
import {AllRows} from "./prsp-history.js";
import {Layouts} from "./prsp-layouts.js";
import {Panel} from "./prsp-panel.js";
import {TABLE as TREND, Trend} from "./prsp-trend.js";

/** The address of a sheet, in the page's own. */
function anchor(name) {
    return `#${encodeURIComponent(name.toLowerCase())}`;
}

export class Sheets {
    /**
     * `config` is the configuration block, `page` what connections need, `live` the connection of the newest rows.
     * `controls` has the page's elements: main, nav, state, rows, range, choice, configured, copy, text.
     */
    constructor(config, page, live, controls) {
        Object.assign(this, {config, page, live, controls, panels: [], connections: [], trend: null});
        this.layouts = new Layouts(config.sheets);
        this.names = Object.keys(config.sheets);
        controls.nav.append(...this.names.map(name => Object.assign(document.createElement("a"),
                                                                   {href: anchor(name), textContent: name})));
        controls.rows.value = new URLSearchParams(location.search).get("rows") === "range" ? "range" : "newest";
        controls.rows.addEventListener("change", () => {
            const url = new URL(location);
            url.searchParams.set("rows", controls.rows.value);
            history.replaceState(null, "", url);
            this.show();
        });
        controls.configured.addEventListener("click", () => this.show(true));
        controls.copy.addEventListener("click", () => this.copy());
        addEventListener("hashchange", () => this.show());
        setInterval(() => this.controls.state.textContent = this.state(), 1000);
    }

    /** Shows the sheet that the address names, else the first; `anew`: as configured. */
    show(anew = false) {
        if (anew) this.panels.forEach(panel => panel.kept = () => {});
        this.end();
        if (anew) this.layouts.reset(this.name);
        this.name = this.names.find(name => anchor(name) === location.hash.toLowerCase()) ?? this.names[0];
        const {main, nav, rows, range} = this.controls, configured = this.layouts.panels(this.name);
        for (const link of nav.children) link.ariaCurrent = link.textContent === this.name ? "page" : null;
        this.panels = configured.map((state, number) => this.panel(state, number, this.name));
        main.replaceChildren(...this.panels.map(panel => panel.section));
        const of = table => this.panels.filter(panel => panel.state.table === table);
        rows.hidden = !configured.some(({allRows}) => allRows);
        range.hidden = this.panels.every(panel => panel.state.table === this.config.table);
        this.live.show(of(this.config.table)).catch(console.debug);
        if (of(TREND).length) {
            const url = () => {
                const url = this.page.address("trend");
                url.searchParams.set("range", this.page.range.toString());
                return url;
            };
            this.trend = new Trend(of(TREND), url, this.page.worker, this.controls.choice);
            this.trend.run();
        }
        for (const panel of this.panels) {
            if ([this.config.table, TREND].includes(panel.state.table)) continue;
            panel.allRows = new AllRows(panel, this.page.range);
            const connection = new Connection("history", panel.state.table, this.page);
            connection.show([panel]);
            connection.run();
            this.connections.push(connection);
        }
        this.controls.state.textContent = this.state();
    }

    /** A panel by its configuration; those of the newest rows are of the time range where people choose that. */
    panel({allRows, choose, table = this.config.table, ...state}, number, name) {
        const ranged = this.controls.rows.value === "range";
        const shown = {settings: false, theme: this.page.theme(), ...state, table: ranged && allRows || table};
        const panel = new Panel(shown, state => this.layouts.keep(name, number, state), this.page.report);
        panel.chooses = choose === "location";
        panel.section.classList.toggle("stays", ranged && !allRows && table === this.config.table);
        return panel;
    }

    /** Removes the panels, with their views and connections. */
    end() {
        const ended = this.panels.map(panel => panel.end()), {trend} = this;
        this.connections.forEach(connection => connection.end());
        if (trend) Promise.all(ended).then(() => trend.end());
        Object.assign(this, {panels: [], connections: [], trend: null});
    }

    /** People have chosen another time range. */
    ranged() {
        this.panels.forEach(panel => panel.allRows?.hurry());
        this.trend?.hurry();
    }

    /** People, or the system, have chosen other colours. */
    coloured() {
        this.panels.forEach(panel => panel.change({theme: this.page.theme()}));
    }

    /** What there is to know of the sheet that is shown, in words. */
    state() {
        const all = this.panels.filter(panel => panel.allRows), count = test => all.filter(test).length;
        const failed = count(({allRows}) => allRows.refused || allRows.failed);
        const asking = count(({allRows}) => allRows.asking), of = `of ${all.length} panels`;
        const answers = failed ? `${failed} ${of} failed` : asking ? `asking TDengine for ${asking} ${of}`
            : "all rows, by TDengine";
        const newest = this.panels.filter(panel => panel.state.table === this.config.table).length;
        const live = newest && (newest === this.panels.length ? "the newest rows" : `${newest} of the newest rows`);
        return [all.length && answers, live, this.trend?.status].filter(Boolean).join(" · ");
    }

    /** Shows the sheet as text for the configuration block, and puts it on the clipboard where the browser lets it. */
    copy() {
        const {text} = this.controls, area = text.querySelector("textarea");
        area.value = this.layouts.text(this.name);
        text.showModal();
        area.select();
        navigator.clipboard?.writeText(area.value).catch(console.debug);
    }
}
