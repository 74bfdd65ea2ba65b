// Files that customers sent. A link can't carry the staff token, so a file is fetched and shown from memory.
// Must never make a page of one: what the server does not mark to be shown is only ever saved.

import { apart, el } from "./desk-dom.js";

/** How a file of a kind is shown, by the first half of its type. */
const VIEWS = {
  image: (src, name) => el("img", { src, alt: name }),
  audio: (src, name) => el("audio", { src, controls: true, "aria-label": name }),
  video: (src, name) => el("video", { src, controls: true, "aria-label": name }),
};

/** The files of one conversation. */
export class Files {
  #fetch;
  #addresses = [];

  constructor(fetch) {
    this.#fetch = fetch;
  }

  /** A button that fetches a file and makes room for it. */
  opener(seq, name) {
    const problem = el("span", { class: "problem", role: "alert" });
    const button = el("button", { type: "button", class: "plain", text: `Open ${apart(name)}` });
    const place = el("div", { class: "file" }, button, problem);
    button.addEventListener("click", async () => {
      button.disabled = true;
      problem.textContent = "";
      try {
        const { blob, shown } = await this.#fetch(seq);
        const address = URL.createObjectURL(blob);
        this.#addresses.push(address);
        const view = shown && VIEWS[blob.type.split("/")[0]]?.(address, name);
        const save = el("a", { href: address, download: name, text: `Save ${apart(name)}` });
        place.replaceChildren(...[view, save].filter(Boolean));
        if (view) save.focus();
        else save.click();
      } catch (error) {
        problem.textContent = error.message;
        button.disabled = false;
      }
    });
    return place;
  }

  /** Lets go of what was fetched; what shows it must be gone. */
  forget() {
    for (const address of this.#addresses) URL.revokeObjectURL(address);
    this.#addresses = [];
  }
}
