/* The layouts of the sheets: as configured, or as people have left them, which the browser keeps. */

const OF_THE_PAGE = ["version", "theme", "settings"];    // what a viewer saves and no panel is configured by
const OF_THE_BLOCK = ["table", "allRows", "choose"];     // what people do not change in a panel

/** Whether a value of a configuration says nothing. */
function isEmpty(value) {
    return value === null || value === "" || typeof value === "object" && !Object.keys(value).length;
}

/** A value as JavaScript, in the style of the configuration block. */
function write(value) {
    if (Array.isArray(value)) return `[${value.map(write).join(", ")}]`;
    if (value === null || typeof value !== "object") return JSON.stringify(value);
    const name = key => /^[A-Za-z_]\w*$/.test(key) ? key : JSON.stringify(key);
    return `{${Object.entries(value).map(([key, value]) => `${name(key)}: ${write(value)}`).join(", ")}}`;
}

/** What the browser keeps under a name; null where it keeps nothing. */
export function kept(name) {
    try {
        return localStorage.getItem(name);
    } catch (error) {
        return console.debug(error), null;
    }
}

/** Keeps a text under a name, where the browser lets it; null: no more. */
export function keep(name, text) {
    try {
        text === null ? localStorage.removeItem(name) : localStorage.setItem(name, text);
    } catch (error) {
        console.debug(error);
    }
}

export class Layouts {
    /** `sheets` has the configured panels by the sheet's name. */
    constructor(sheets) {
        this.sheets = sheets;
        this.left = new Map();      // how people have left a sheet, also where the browser keeps nothing
    }

    place(sheet) {
        return `${location.pathname} ${sheet}`;
    }

    /** The panels of a sheet. What was kept is of no use when the configuration block has changed since. */
    panels(sheet) {
        const configured = this.sheets[sheet];
        if (!this.left.has(sheet)) {
            const before = JSON.parse(kept(this.place(sheet)));
            const same = before?.configured === JSON.stringify(configured);
            this.left.set(sheet, same ? before.panels : configured.map(() => ({})));
        }
        return this.left.get(sheet).map((left, number) => {
            const own = Object.entries(configured[number]).filter(([key]) => OF_THE_BLOCK.includes(key));
            return {...isEmpty(left) ? configured[number] : left, ...Object.fromEntries(own)};
        });
    }

    /** Keeps how people have left a panel. */
    keep(sheet, number, state) {
        const all = this.left.get(sheet), drop = [...OF_THE_PAGE, ...OF_THE_BLOCK];
        all[number] = Object.fromEntries(Object.entries(state).filter(([key]) => !drop.includes(key)));
        keep(this.place(sheet), JSON.stringify({configured: JSON.stringify(this.sheets[sheet]), panels: all}));
    }

    /** Goes back to the configured panels. */
    reset(sheet) {
        this.left.delete(sheet);
        keep(this.place(sheet), null);
    }

    /** A sheet as text that takes the place of its lines in the configuration block. */
    text(sheet) {
        const panels = this.panels(sheet).map(panel => {
            const said = Object.entries(panel).filter(([key, value]) => !OF_THE_PAGE.includes(key) && !isEmpty(value));
            const lines = said.map(([key, value]) => `                ${key}: ${write(value)},\n`);
            return `            {\n${lines.join("")}            },\n`;
        });
        return `        ${/^\w+$/.test(sheet) ? sheet : JSON.stringify(sheet)}: [\n${panels.join("")}        ],\n`;
    }
}
