/* The status line: what the server says of its rows, and whether the page hears from it. */

/** A length of time in words: 12 s, 3 min, 8 h, 2 d. */
function duration(seconds) {
    const [size, unit] = [[86400, "d"], [3600, "h"], [60, "min"]].find(([size]) => seconds >= 2 * size) ?? [1, "s"];
    return `${Math.round(seconds / size)} ${unit}`;
}

/** What there is to know beside the rows' state: which database it is, and which rows are not as expected. */
function notes(now, late) {
    const found = [now.embedded ? "embedded database, not TDengine"
        : now.tdengine_version ? `TDengine ${now.tdengine_version}` : now.database];
    if (now.over_limit) found.push(`more rows come at a time than TABLE_LIMIT (${now.table_limit}): raise it`);
    if (now.future_rows) found.push(`${now.future_rows} ${now.future_rows === 1 ? "row is" : "rows are"} ahead of`
        + ` the database's clock, by up to ${duration(now.future_ms / 1000)}: each is shown at its time`);
    if (late) found.push(`the newest row is ${duration(now.newest_row_age_ms / 1000)} old`);
    return found;
}

/**
 * Keeps the status line true: live / no new rows / waiting / reconnecting, which database, and what to know of it.
 *
 * `url` is that of /status. `staleAfter` seconds without new rows are said. `link.connected` says whether the live
 * panels are connected, `keepsRows()` whether they have rows while they are not.
 */
export async function watch(line, url, staleAfter, link, keepsRows) {
    /** Its kind, "live", "down" or "", is its colour. */
    const say = (text, kind) => Object.assign(line, {textContent: text, className: kind});
    for (;; await new Promise(resolve => setTimeout(resolve, 1000))) {
        try {
            const reply = await fetch(url, {signal: AbortSignal.timeout(3000)});
            if (reply.status === 403) {
                say("the server wants its token: open this page with ?token=...", "down");
                continue;
            }
            const now = await reply.json(), still = now.moved_ms_ago / 1000, age = now.newest_row_age_ms / 1000;
            const late = now.newest_row_age_ms !== null && age > staleAfter + still;
            const tell = (text, kind) => say([text, ...notes(now, late)].join(" · "), kind);
            if (!link.connected) throw new Error("the connection is lost");
            else if (now.last_error) say(`database trouble: ${now.last_error}`, "down");
            else if (now.waiting) say(`waiting: ${now.waiting}`, "");
            else if (now.moved_ms_ago === null) tell("waiting for the first rows", "");
            else if (still > staleAfter) tell(`no new rows for ${duration(still)}`, "");
            else tell(`live · ${now.rows_per_s} rows/s`, "live");
        } catch {
            say(`reconnecting to ${url.host}` + (keepsRows() ? " · the panels keep the rows they have" : ""), "down");
        }
    }
}
