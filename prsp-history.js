/* Panels of all rows, which TDengine answers over `/history`: what they say meanwhile, and how they follow the time. */

// Fields of Perspective's protocol.
const MAKE_VIEW = 6, TO_ARROW = 16, ON_UPDATE = 21, TO_COLUMNS = 24, DESCRIBE = 41, SERVER_ERROR = 50;
const REST_MS = 4000;             // at least so long a panel rests before it asks anew by itself
const WIDE = ["Candlestick", "Heatmap"];
// What the panels have said; and what a chart throws that is removed while it draws.
const told = new Set(["the connection is lost", "RendererTransport destroyed"]);

// Perspective throws it where nobody can catch it.
window.addEventListener("unhandledrejection", event => {
    const text = String(event.reason?.message ?? event.reason);
    if ([...told].some(words => text.includes(words))) event.preventDefault();
});

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

/** What a panel of all rows does beside Perspective's own: it says what it waits for, and follows the time range. */
export class AllRows {
    constructor(panel, range) {
        Object.assign(this, {panel, range, ours: [], before: [], refused: "", failed: "", asking: 0, rest: 0});
        this.timer = setInterval(() => this.move(), 1000);
        this.say();
    }

    /** The panel has ended. */
    end() {
        clearInterval(this.timer);
        this.socket = null;
    }

    /** A connection has begun, with this socket, or has ended: null. */
    connect(socket) {
        Object.assign(this, {socket, asked: new Map(), asking: 0, drawn: false, windows: 0});
        this.fit();
        this.say();
    }

    /** Tells the server how many windows of time fit the panel: a point of a line has two pixels, others more. */
    fit() {
        const windows = Math.round(this.panel.section.clientWidth / (WIDE.includes(this.panel.state.plugin) ? 12 : 2));
        if (this.socket && windows !== this.windows) this.socket.send(this.windows = windows);
    }

    say() {
        const waits = this.asking ? `asking TDengine for ${this.asking} s`
            : this.socket ? "" : "connecting";
        const text = this.asking ? waits : this.refused || this.failed || waits;
        this.panel.say(text, text !== waits, !this.asking);
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
            if (words) told.add(words);
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

    /** Filters without those of the time range, as it is or as it was last. */
    theirs(filters) {
        return (filters ?? []).filter(one => ![...this.ours, ...this.before].some(own => String(own) === String(one)));
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
            const theirs = this.theirs(now.filter);
            [this.before, this.ours] = [this.ours, wanted];
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
