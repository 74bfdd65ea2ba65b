// Letting colleagues in: an admin names somebody and gets a link that signs them in once.

import { $ } from "./desk-dom.js";

/** Wires the dialog once. `send(name, role)` gives the path of the link; `why(error)` its words. */
export function wireInvite(send, why) {
  const dialog = $("dialog-invite");
  const submit = dialog.querySelector("[type=submit]");
  const link = $("invite-link");
  const clear = () => {
    $("invite-made").hidden = true;
    link.value = "";
    dialog.querySelector(".problem").textContent = "";
  };
  $("invite").addEventListener("click", () => {
    $("invite-name").value = "";
    $("invite-role").value = "agent";
    clear();
    dialog.showModal();
  });
  dialog.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
  // The link lets somebody in: it goes from the page when the dialog does.
  dialog.addEventListener("close", clear);
  link.addEventListener("focus", () => link.select());
  dialog.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (submit.disabled) return;
    submit.disabled = true;
    clear();
    try {
      const path = await send($("invite-name").value.trim(), $("invite-role").value);
      link.value = new URL(path, location.href).href;
      $("invite-made").hidden = false;
      link.focus();
    } catch (error) {
      dialog.querySelector(".problem").textContent = why(error);
    } finally {
      submit.disabled = false;
    }
  });
}
