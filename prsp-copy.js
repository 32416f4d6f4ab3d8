/* The page's own copy of the server's table, in Perspective's engine: panels query it, also without a connection. */

export class RowsCopy {
    /**
     * `table` is its name, `worker()` makes an engine. `begin(engine)` is called for an engine with a new table,
     * `resume()` when the table has its rows again, `report` says what is wrong.
     */
    constructor(table, worker, begin, resume, report) {
        Object.assign(this, {table, worker, begin, resume, report});
        this.copy = null;                 // {kind, engine, table}
        this.work = Promise.resolve();    // what is done to it, one thing after another
    }

    /** Feeds the copy from a connection. Text begins it anew, the rest are rows as Arrow. */
    feed(socket) {
        let limit = null, whole = false, behind = 0, oldest = performance.now();  // messages that wait, and since when
        const fail = error => {
            this.report(`the page's copy of the table: ${error.message ?? error}`, this);
            socket.close();
        };
        const then = work => this.work = this.work.then(work).catch(fail);
        const update = rows => {          // not awaited: the engine takes many at a time
            const came = performance.now();
            if (++behind > 100 && came - oldest > 10_000) socket.close();  // too slow: the next connection begins anew
            then(() => void this.copy.table.update(rows).then(() => (behind--, oldest = came), fail));
        };
        return {
            ping: () => socket.send(""),
            receive: data => {
                if (data === "") return;
                if (typeof data === "string") ({limit} = JSON.parse(data));
                else whole ? then(() => this.replace(data, limit)) : update(data);
                whole = typeof data === "string";
            },
        };
    }

    /** Takes an Arrow stream in place of all rows: its first part says the columns and their types. */
    async replace(rows, limit) {
        const kind = [limit, ...new Uint8Array(rows, 0, new DataView(rows).getUint32(4, true))].join();
        if (this.copy?.kind === kind) {
            await this.copy.table.size();  // ends the updates: `replace` would leave rows of those under way
            await this.copy.table.replace(rows);
            return this.resume();
        }
        this.copy?.engine.terminate();
        const engine = await this.worker();
        this.copy = {kind, engine, table: await engine.table(rows, {name: this.table, limit})};
        this.report("", this);
        this.begin(engine);
    }
}
