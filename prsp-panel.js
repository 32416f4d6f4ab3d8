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
        for (const change of ["perspective-config-update", "perspective-layout-update"])
            viewer.addEventListener(change, () => this.keep(viewer).catch(console.debug));
        try {
            this.report("", this);
            await viewer.load(client);
            await (this.allRows ? this.allRows.show(client) : this.restore(viewer));
            viewer.toggleAttribute("live", connection.connected);
            const themes = await viewer.getThemes();
            if (!themes.includes(this.state.theme) && this.viewer)
                this.report(`no theme "${this.state.theme}"; there are: ${themes.join(", ")}`, this);
        } catch (error) {
            if (viewer === this.viewer && connection.client === client)
                this.report(`panel "${this.state.title}": ${error.message ?? error}`, this);
        }
    }

    /** Shows the state, with those panels that people have added beside it. */
    async restore(viewer) {
        const {workspace, ...own} = this.state;
        await viewer.restore(own);  // a new viewer may dispose of others that it gets before its own
        if (!workspace) return;
        const panels = Object.entries(workspace.panels).map(([name, state]) => [name, {...state, theme: own.theme}]);
        await viewer.restoreWorkspace({...workspace, panels: Object.fromEntries(panels)});
    }

    /** Changes a part of what is shown. The theme is that of added panels, too. */
    async change(part) {
        Object.assign(this.state, part);
        const all = part.theme && this.state.workspace;
        if (this.viewer) await (all ? this.restore(this.viewer) : this.viewer.restore(part)).catch(console.debug);
    }

    /** Reads how people have left it. A panel that they add to one of all rows is not kept: it has no time range. */
    async keep(viewer) {
        const state = await viewer.save(), workspace = await viewer.saveWorkspace();
        this.state = {...state, filter: this.allRows?.theirs(state.filter) ?? state.filter};
        if (!this.allRows && Object.keys(workspace.panels).length > 1) this.state.workspace = workspace;
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
