/* Light or dark: by the system's setting, or as people choose; the browser keeps the choice. */

import {keep, kept} from "./prsp-layouts.js";

const DARK = matchMedia("(prefers-color-scheme: dark)");
const CHOICES = {"": "colours of the system", light: "light", dark: "dark"};

export class Colours {
    /** `select` is the control, `themes` has Perspective's for light and dark, `changed()` hears of another. */
    constructor(select, themes, changed) {
        Object.assign(this, {select, themes});
        select.append(...Object.entries(CHOICES).map(([value, label]) => new Option(label, value)));
        select.value = kept("colours") in CHOICES ? kept("colours") : "";
        const follow = () => {
            document.documentElement.style.colorScheme = select.value || "light dark";
            changed();
        };
        select.addEventListener("change", () => {
            keep("colours", select.value);
            follow();
        });
        DARK.addEventListener("change", follow);
        document.documentElement.style.colorScheme = select.value || "light dark";
    }

    /** The theme of the panels. */
    get theme() {
        return this.themes[this.select.value || (DARK.matches ? "dark" : "light")];
    }
}
