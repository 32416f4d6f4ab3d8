/* Panels of all rows, which TDengine answers over `/history`: what they say meanwhile, and their time range. */

const RANGES = {"5m": ["last 5 min", 300], "1h": ["last hour", 3600], "24h": ["last 24 h", 86_400],
                "7d": ["last 7 days", 604_800], all: ["all time"], own: ["from – to"]};
// Fields of Perspective's protocol.
const MAKE_VIEW = 6, TO_ARROW = 16, ON_UPDATE = 21, TO_COLUMNS = 24, DESCRIBE = 41, SERVER_ERROR = 50;
const REST_MS = 4000;             // at least so long a panel rests before it asks anew by itself
const MINUTE_MS = 60_000, LOST = "the connection is lost";

/** The fields of a protobuf message: [number, value] of each; a value is a number, or bytes. */
function* fields(bytes) {
    let at = 0;
    const number = () => {
        for (let value = 0, unit = 1;; unit *= 128) {
            const byte = bytes[at++];
            value += (byte & 127) * unit;
            if (!(byte > 127)) return value;
        }
    };
    while (at < bytes.length) {
        const key = number(), value = number();
        yield [key >> 3, key & 2 ? bytes.subarray(at, at += value) : value];
    }
}

/** What a request or a response is: its number, which field it has, and what is in that. */
function head(bytes) {
    const {1: id = 0, 2: entity, ...rest} = Object.fromEntries(fields(bytes));
    return {id, kind: Number(Object.keys(rest)[0]), body: Object.values(rest)[0]};
}

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
        form.hidden = false;
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

/** What a panel of all rows does beside Perspective's own: it says what it waits for, and follows the time range. */
export class AllRows {
    constructor(panel, range) {
        Object.assign(this, {panel, range, ours: [], refused: "", failed: "", told: "", asking: 0, rest: 0});
        this.note = document.createElement("output");
        panel.section.append(this.note);
        setInterval(() => this.move(), 1000);
        // Perspective throws what it was refused where nobody can catch it; the panel has said it already.
        window.addEventListener("unhandledrejection", event => {
            const text = String(event.reason?.message ?? event.reason);
            if ([LOST, this.told].some(words => words && text.includes(words))) event.preventDefault();
        });
    }

    /** A connection has begun, with this socket, or has ended: null. */
    connect(socket) {
        Object.assign(this, {socket, asked: new Map(), asking: 0, drawn: false, windows: 0});
        this.fit();
        this.say();
    }

    /** Tells the server how many windows of time fit the panel: each has two pixels. */
    fit() {
        const windows = Math.round(this.panel.section.clientWidth / 2);
        if (this.socket && windows !== this.windows) this.socket.send(this.windows = windows);
    }

    say() {
        const waits = this.asking ? `asking TDengine for ${this.asking} s`
            : this.socket ? "" : "connecting";
        const text = this.asking ? waits : this.refused || this.failed || waits;
        Object.assign(this.note, {textContent: text, className: text === waits ? "" : "failed",
                                  ariaLive: this.asking ? "off" : "polite"});  // not each second
    }

    /** Shows what went wrong without the server, too: a column that does not exist, for example. */
    fail(error) {
        const [words] = String(error.message ?? error).replace(/^(Error: |Abort\(\): )+/, "").split("\n");
        if (!this.refused) this.failed ||= words;
        this.say();
    }

    sends(request) {
        const {id, kind} = head(request);
        this.asked.set(id, kind);
    }

    /** Reads a message of the server's. Whether it was for the page, and not for Perspective's client. */
    receives(message) {
        if (typeof message === "string") {
            const seconds = message ? Object.values(JSON.parse(message).asking) : [];
            if (message) this.asking = Math.max(0, ...seconds);
        } else {
            const {id, kind, body} = head(new Uint8Array(message)), asked = this.asked.get(id);
            const place = {[SERVER_ERROR]: 1, [DESCRIBE]: 4}[kind];  // the field in it that has the words
            const words = place ? new TextDecoder().decode(Object.fromEntries(fields(body))[place]) : "";
            if ([MAKE_VIEW, DESCRIBE].includes(asked)) {  // what was drawn before is drawn on
                this.refused = words;
                this.again = kind !== DESCRIBE;           // a configuration that is refused stays so
            }
            else if (words || [TO_ARROW, TO_COLUMNS].includes(kind)) this.failed = words;
            if (words) this.told = words;
            if (kind !== ON_UPDATE) this.asked.delete(id);
        }
        this.say();
        return typeof message === "string";
    }

    /** Shows the panel in a new viewer. */
    async show(client) {
        Object.assign(this, {client, moving: false, rest: 0, refused: "", failed: ""});
        await this.draw();
    }

    /** Moves the filter with the clock, and asks again after a failure; what people have changed stays. */
    move() {
        this.fit();
        const {viewer, state} = this.panel, edited = document.activeElement === viewer && state.settings;
        const moved = String(this.range.filters(this.time)) !== String(this.ours);
        const due = moved || this.refused && this.again || this.failed;
        if (this.client && this.socket && due && !edited && !document.hidden && performance.now() > this.rest)
            this.draw();
    }

    /** People have chosen another range. */
    hurry() {
        this.rest = 0;
        this.move();
    }

    /** Draws with the filters of the time range. No more than 5 % of the time goes into what the clock alone asks. */
    async draw() {
        if (this.moving) return;
        const {viewer, state} = this.panel, started = performance.now();
        Object.assign(this, {moving: true, rest: Infinity});
        try {
            if (!this.time) {
                const schema = await (await this.client.open_table(state.table)).schema();
                this.time = Object.keys(schema).find(name => schema[name] === "datetime");
            }
            const now = this.drawn ? await viewer.save() : state, wanted = this.range.filters(this.time);
            const theirs = (now.filter ?? []).filter(one => !this.ours.some(own => String(own) === String(one)));
            this.ours = wanted;
            if (this.drawn && (this.refused && this.again || this.failed)) await viewer.resetError();  // a new view
            await viewer.restore({...this.drawn ? {} : state, filter: [...theirs, ...wanted]});
            this.drawn = true;
        } catch (error) {
            this.fail(error);
        }
        this.moving = false;
        const now = performance.now();
        if (this.rest === Infinity) this.rest = now + Math.max(REST_MS, 20 * (now - started));
    }
}
