/* The page's connections to the server: each feeds panels, and begins anew when it has ended. */

const sleep = seconds => new Promise(resolve => setTimeout(resolve, seconds * 1000));

export class Connection {
    /**
     * `path` is "rows" for the page's copy, "websocket" or "history" for panels that query the server, and `table` is
     * theirs. `page` has `address(path, scheme)`, `report(problem, about)`, `rows` and Perspective's `Client`.
     */
    constructor(path, table, page) {
        Object.assign(this, {path, table, page, panels: [], connected: false, ended: false});
        this.client = null;   // what panels query, where there is one
    }

    /** Connects, again and again, until `end`. */
    async run() {
        for (this.pause = 0.25; !this.ended; this.pause = Math.min(this.pause * 2, 2)) {
            await this.connect();
            await sleep(this.pause * (0.5 + Math.random()));
        }
    }

    /** Ends it for good. */
    end() {
        this.ended = true;
        this.page.report("", this);
        this.socket?.close();
    }

    /** Shows these panels in place of others, as soon as there is a client. */
    async show(panels) {
        this.panels = panels;
        if (this.client) await Promise.all(panels.map(panel => panel.show(this.client, this)));
    }

    /** There is a new client: the panels are shown anew. */
    begin(client) {
        this.client = client;
        return this.show(this.panels);
    }

    /** Marks the panels as live; else they are dim. */
    mark() {
        this.panels.forEach(({viewer}) => viewer?.toggleAttribute("live", this.connected));
    }

    /** Lets panels query a table of the server's. They are shown as soon as it is there. */
    queryServer(socket, allRows) {
        const client = new this.page.Client(async bytes => {
            if (socket.readyState !== WebSocket.OPEN) throw new Error("the connection is lost");
            allRows?.sends(bytes);
            socket.send(bytes.slice().buffer);
        }, async () => socket.close());
        const start = async () => {
            while (!(await client.get_hosted_table_names()).includes(this.table)) {
                allRows?.fail(`the database has no table "${this.table}"`);
                await sleep(0.5);
            }
            await this.begin(client);
        };
        socket.addEventListener("open", () => start().catch(() => sleep(allRows ? 2 : 0).then(() => socket.close())));
        return {
            ping: () => allRows ? socket.send("") : client.get_hosted_table_names().catch(console.debug),
            receive: data => allRows?.receives(data) || client.handle_response(data),
            end: () => {
                this.client = null;
                client.handle_error("the connection is lost").catch(console.debug);  // else viewers wait for ever
            },
        };
    }

    /** One connection, until it ends, or gives no sign of life for 10 s: one that was cut off may never learn of it. */
    async connect() {
        const {page} = this, socket = this.socket = new WebSocket(page.address(this.path, "ws"));
        const allRows = this.path === "history" ? this.panels[0].allRows : null;
        socket.binaryType = "arraybuffer";
        socket.addEventListener("open", () => {
            Object.assign(this, {connected: true, pause: 0.25});
            allRows?.connect(socket);  // before the first request
        });
        const {ping, receive, end} = this.path === "rows" ? page.rows.feed(socket) : this.queryServer(socket, allRows);
        const closed = new Promise(resolve =>
            socket.addEventListener("close", ({reason}) => resolve(reason || "no reason")));
        let heard = performance.now(), reason;
        socket.onmessage = ({data}) => {
            heard = performance.now();
            page.report("", this);
            receive(data);
        };
        while (performance.now() - heard < 10_000) {
            if (this.connected) ping();
            if (reason = await Promise.race([closed, sleep(5)])) break;
        }
        if (reason && reason !== "no reason") page.report(`the server has closed the connection: ${reason}`, this);
        this.connected = false;
        this.mark();
        allRows?.connect(null);
        socket.onmessage = null;
        socket.close();
        end?.();
    }
}
