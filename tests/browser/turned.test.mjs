// Text that turns what is around it, on its way from a customer to the desk of the real program.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as h from "./harness.mjs";
import { Desk, noProblems } from "./harness.mjs";

let browser;
let program;

before(async () => {
  browser = await h.browser();
  program = await h.program();
});

after(async () => {
  await browser?.close();
  await program?.stop();
});

/** Posts JSON to the program and gives what it answers. */
async function post(path, body, token) {
  const headers = { "content-type": "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(program.url + path, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

test("a right-to-left override in a name and in a message turns nothing else at the desk", async () => {
  const customer = { name: "\u202eAnna\u2069\u202eLee" };
  const { conversation_id: id, token } = await post("/v1/conversations", { customer });
  const say = (client_msg_id, more) =>
    post(`/v1/conversations/${id}/messages?wait=reply`, { client_msg_id, ...more }, token);
  await say("1", { text: "\u202eqq zz\u2069\u202e I lost my card" });
  await say("2", { payload: "/human" });
  const tab = await h.page(browser);
  const desk = await Desk.open(tab, program);
  // A name keeps nothing that turns text around.
  await desk.waiting("AnnaLee");
  await h.leftToRight(tab.locator(".card-issue"), "Asked for a person");
  await h.leftToRight(tab.locator(".tags"), "Priority ");
  await desk.take("AnnaLee");
  const said = desk.log.locator(".msg[data-from=customer]").first();
  await h.leftToRight(said.locator(".who"), "Customer · ");
  await h.leftToRight(desk.log.locator(".msg[data-from=bot]").last(), "Bot · ");
  await h.leftToRight(desk.details, "Why they are here");
  await h.leftToRight(desk.details, "AnnaLee");
  const shown = await tab.evaluate(async () => {
    const { apart } = await import("/assets/desk-dom.js");
    return ["Mia", "\u202eMia", "\u2069\u202eMia", "\u05de\u05d9\u05d4"].map(apart);
  });
  assert.deepEqual(shown, ["Mia", "\u2068Mia\u2069", "\u2068Mia\u2069", "\u2068\u05de\u05d9\u05d4\u2069"]);
  noProblems(tab);
});
