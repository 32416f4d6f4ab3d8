/* The time range of the panels of all rows, and of the trend. */

const RANGES = {"5m": ["last 5 min", 300], "1h": ["last hour", 3600], "24h": ["last 24 h", 86_400],
                "7d": ["last 7 days", 604_800], all: ["all time"], own: ["from – to"]};
const MINUTE_MS = 60_000;

/** The time range of all panels of all rows. The control is a form; the page's address says what is chosen. */
export class TimeRange {
    /** `first` is for an address without a range. People's choice calls `changed`; `report` gets what is wrong. */
    constructor(form, first, changed, report) {
        [this.choice, this.from, this.to] = form.elements;
        this.choice.append(...Object.entries(RANGES).map(([name, [label]]) => new Option(label, name)));
        const given = new URLSearchParams(location.search).get("range") || first;
        const own = given.split("/").map(text => Date.parse(text));
        if (RANGES[given]) this.choice.value = given;
        else if (own.length === 2 && own.some(Number.isFinite) && !(own[0] >= own[1])) this.setOwn(...own);
        else report(`no time range "${given}"; there are: 5m, 1h, 24h, 7d, all, 2026-11-28T10:00Z/2026-11-28T12:00Z`);
        this.seconds = RANGES[this.choice.value][1];
        form.addEventListener("change", ({target}) => {
            if (target === this.choice && this.choice.value === "own" && !this.own().some(Number.isFinite))
                this.setOwn(Date.now() - (this.seconds ?? 3600) * 1000, Date.now() + MINUTE_MS);
            this.seconds = RANGES[this.choice.value][1];
            const [from, to] = this.own();
            this.to.setCustomValidity(from >= to ? "the time range ends before it begins" : "");
            if (!form.reportValidity()) return;
            const url = new URL(location);
            url.searchParams.set("range", this.toString());
            history.replaceState(null, "", url);
            changed();
        });
    }

    /** Chooses a range of one's own, in epoch ms, NaN for an open end; the control shows local time. */
    setOwn(...times) {
        this.choice.value = "own";
        [this.from.value, this.to.value] = times.map(time => Number.isNaN(time) ? ""
            : new Date(time - new Date(time).getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 16));
    }

    /** From and to in epoch ms; NaN where one is left empty. */
    own() {
        return [this.from, this.to].map(input => Date.parse(input.value));
    }

    toString() {
        if (this.choice.value !== "own") return this.choice.value;
        const write = time => Number.isNaN(time) ? "" : `${new Date(time).toISOString().slice(0, 16)}Z`;
        return this.own().map(write).join("/");
    }

    /** The filters of a time column, as of now. A bound moves by a 60th of the range, so that pages ask the same. */
    filters(column) {
        const step = this.seconds * 1000 / 60;
        if (step) return [[column, ">=", (Math.floor(Date.now() / step) - 60) * step]];
        const [from, to] = this.choice.value === "own" ? this.own() : [];
        return [[column, ">=", from], [column, "<", to]].filter(([, , time]) => Number.isFinite(time));
    }
}
