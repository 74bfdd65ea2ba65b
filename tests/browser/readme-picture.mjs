// Makes docs/images/chat-and-desk.png, the picture on the front page of the project: a customer's
// chat and the desk of the agent they were handed over to, from a conversation held here.
//
//   node readme-picture.mjs

import { join } from "node:path";
import * as h from "./harness.mjs";
import { Chat, Desk } from "./harness.mjs";

const HEIGHT = 660;

/** Somebody else who writes once and then waits. */
async function waiting(url, customer, text) {
  const post = async (path, body, token) => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  };
  const { conversation_id: id, token } = await post("/v1/conversations", { customer });
  const message = { client_msg_id: "1", text };
  await post(`/v1/conversations/${id}/messages?wait=reply`, message, token);
}

const browser = await h.browser();
const program = await h.program();
try {
  // The desk needs this much room to show its three panes; the page below draws it smaller.
  const wide = { viewport: { width: 1060, height: 722 }, deviceScaleFactor: 2 };
  const desk = await Desk.open(await h.page(browser, wide), program);
  const tab = await h.page(browser, { deviceScaleFactor: 2 });
  const chat = await Chat.open(tab, program.url);
  await chat.say("I lost my card ending 4812");
  await chat.hears(/ending 4812\?/);
  await chat.say("sorry, I meant 4821");
  await chat.hears(/ending 4821\?/);
  await chat.press("Yes, block it");
  await chat.hears(/Shall I send a new card/);
  await chat.press("Yes, please");
  await chat.hears(/days/);
  await chat.say("this is ridiculous, let me talk to someone");
  await desk.take("Alex Morgan");
  const [maya, victor] = [{ id: "cust_1188", name: "Maya Ellis", tier: "standard" },
    { id: "cust_7001", name: "Victor Hale", tier: "premier" }];
  await waiting(program.url, maya, "I want to make a complaint");
  await waiting(program.url, victor, "I have been scammed, somebody emptied my account");
  await desk.waiting("Maya Ellis");
  await desk.waiting("Victor Hale");
  await chat.hears(/talking to/);
  await desk.say("Hello Alex, your card is blocked and the new one is on its way.");
  await chat.hears("Hello Alex, your card is blocked and the new one is on its way.");
  await chat.say("Can it go to my office instead?");
  await desk.reads("Can it go to my office instead?");
  await tab.locator("bellhop-chat").getByText("Delivered").last().waitFor({ state: "attached" });
  const shots = [await tab.getByRole("dialog").screenshot(), await desk.tab.screenshot()];

  const page = await h.page(browser, { viewport: { width: 1440, height: HEIGHT + 60 } });
  const images = shots.map((png) =>
    `<img src="data:image/png;base64,${png.toString("base64")}" height="${HEIGHT}">`);
  await page.setContent(`<!doctype html><style>
    body { display: flex; gap: 20px; justify-content: center; margin: 0; padding: 30px 0;
      background: #e9e4da; }
    img { border-radius: 18px; box-shadow: 0 8px 26px rgb(20 28 40 / 0.18); }
  </style>${images.join("")}`);
  await page.screenshot({ path: join(h.ROOT, "docs/images/chat-and-desk.png") });
} finally {
  await browser.close();
  await program.stop();
}
