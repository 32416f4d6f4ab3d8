/* A panel: a Perspective viewer in a section of its own, and how people have left it. */

export class Panel {
    /**
     * `state` is the viewer's configuration, `kept(state)` is called when people have changed it,
     * `report(problem, about)` says what is wrong.
     */
    constructor(state, kept, report) {
        Object.assign(this, {state, kept, report, section: document.createElement("section")});
    }

    /** Shows it in a new viewer, which queries this client over a connection. */
    async show(client, connection) {
        const viewer = document.createElement("perspective-viewer");
        this.viewer?.remove();  // one that has lost its client may wait for ever
        this.section.prepend(this.viewer = viewer);
        viewer.addEventListener("perspective-config-update", () => this.keep(viewer).catch(console.debug));
        try {
            this.report("", this);
            await viewer.load(client);
            await (this.allRows ? this.allRows.show(client) : viewer.restore(this.state));
            viewer.toggleAttribute("live", connection.connected);
            const themes = await viewer.getThemes();
            if (!themes.includes(this.state.theme) && this.viewer)
                this.report(`no theme "${this.state.theme}"; there are: ${themes.join(", ")}`, this);
        } catch (error) {
            if (viewer === this.viewer && connection.client === client)
                this.report(`panel "${this.state.title}": ${error.message ?? error}`, this);
        }
    }

    /** Changes a part of what is shown. */
    async change(part) {
        Object.assign(this.state, part);
        await this.viewer?.restore(part).catch(console.debug);
    }

    /** Reads how people have left it. */
    async keep(viewer) {
        const state = await viewer.save();
        this.state = {...state, filter: this.allRows?.theirs(state.filter) ?? state.filter};
        this.kept(this.state);
    }

    /** Says something on the panel; it has failed, or it waits. Screen readers say it at once if it is new. */
    say(text, failed, isNew = true) {
        if (!this.note) this.section.append(this.note = document.createElement("output"));
        Object.assign(this.note, {textContent: text, className: failed ? "failed" : "",
                                  ariaLive: isNew ? "polite" : "off"});
    }

    /** Removes it, with its view. */
    async end() {
        const {viewer} = this;
        this.viewer = null;
        this.allRows?.end();
        viewer?.setAutoSize(false);  // else it draws once more when its view is gone
        this.section.remove();
        this.report("", this);
        await viewer?.delete().catch(console.debug);
    }
}
