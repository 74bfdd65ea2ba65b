// The landing page's buttons speak to the chat; everything else is the widget's.
"use strict";

customElements.whenDefined("bellhop-chat").then(() => {
  const chat = document.querySelector("bellhop-chat");
  for (const button of document.querySelectorAll("[data-open-chat]")) {
    button.addEventListener("click", () => chat.show());
  }
  for (const button of document.querySelectorAll("[data-say]")) {
    button.addEventListener("click", () => chat.say(button.dataset.say));
  }
});
