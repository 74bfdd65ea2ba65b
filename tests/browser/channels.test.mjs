// An agent and a customer on a messaging channel: what becomes of each message, and the files that the customer sends.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import * as h from "./harness.mjs";
import { Desk, accessible, noProblems, picture } from "./harness.mjs";

const SECRET = "an-app-secret-0123456789abcdef01";
const PHONE = "106540352242922";
const ANA = "4915112345678";
/** One red point. */
const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
  "base64");
const FILES = { 1037: ["image/png", PNG], 1038: ["text/html", "<script>document.title = 'taken'</script>"] };

let browser;
let graph;
let program;
let desk;
const sent = [];

/** A stand-in of Meta's API. */
function api() {
  return createServer(async (request, response) => {
    const url = new URL(request.url, `http://${request.headers.host}`);
    const id = url.pathname.split("/").at(-1);
    const json = (status, body) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (request.method === "POST") {
      const body = await new Response(request).json();
      if (body.type) sent.push(body);
      json(200, { messages: [{ id: "wamid.ours" }] });
    } else if (url.pathname.startsWith("/kept/")) {
      const [type, bytes] = FILES[id];
      response.writeHead(200, { "content-type": type }).end(bytes);
    } else if (FILES[id]) {
      json(200, { url: `${url.origin}/kept/${id}` });
    } else {
      json(400, { error: { code: 100, message: "Object does not exist" } });
    }
  });
}

async function deliver(value) {
  const metadata = { display_phone_number: "15550783881", phone_number_id: PHONE };
  const changes = [{ field: "messages", value: { messaging_product: "whatsapp", metadata, ...value } }];
  const body = JSON.stringify({ object: "whatsapp_business_account", entry: [{ id: "1", changes }] });
  const signature = createHmac("sha256", SECRET).update(body).digest("hex");
  const answer = await fetch(`${program.url}/webhooks/messages/shop`, { method: "POST", body,
    headers: { "content-type": "application/json", "x-hub-signature-256": `sha256=${signature}` } });
  assert.equal(answer.status, 200);
}

const now = () => String(Math.floor(Date.now() / 1000));

function writes(id, content) {
  const contacts = [{ profile: { name: "Ana Weber" }, wa_id: ANA }];
  return deliver({ contacts, messages: [{ id, from: ANA, timestamp: now(), ...content }] });
}

/** Tells what became of the message with this text; who says it stands before it. */
function becomes(text, status, more = {}) {
  const { biz_opaque_callback_data: key } = sent.find((body) => body.text?.body.endsWith(text));
  return deliver({ statuses: [{ id: "wamid.ours", status, timestamp: now(), recipient_id: ANA,
    biz_opaque_callback_data: key, ...more }] });
}

before(async () => {
  browser = await h.browser();
  graph = api();
  const port = await new Promise((resolve) => {
    graph.listen(0, "127.0.0.1", () => resolve(graph.address().port));
  });
  program = await h.program({}, `
[channels.shop]
kind = "whatsapp"
phone_number_id = "${PHONE}"
token = "EAAG"
app_secrets = ["${SECRET}"]
verify_token = "${SECRET}"
base_url = "http://127.0.0.1:${port}/v24.0"
`);
  desk = await Desk.open(await h.page(browser, { viewport: { width: 1360, height: 860 } }), program);
});

after(async () => {
  await browser?.close();
  await program?.stop();
  graph?.close();
});

/** The message with this text, with what stands below it. */
const message = (text) => desk.log.locator(".msg").filter({ has: desk.tab.getByText(text, { exact: true }) });

test("an agent sees what becomes of each message, and opens what the customer sends", async () => {
  await writes("wamid.1", { type: "text", text: { body: "I want to talk to a person" } });
  await desk.take("Ana Weber");
  for (const text of ["Hello Ana", "One moment"]) {
    await desk.say(text);
    await message(text).getByText("Sent", { exact: true }).waitFor();
  }
  await becomes("Hello Ana", "read");
  await message("Hello Ana").getByText("Read", { exact: true }).waitFor();
  await becomes("Hello Ana", "delivered");
  await becomes("One moment", "failed", { errors: [{ code: 131026, title: "Message undeliverable" }] });
  await message("One moment").getByText("Not delivered: 131026: Message undeliverable").waitFor();
  await desk.tab.getByText("A message to Ana Weber was not delivered").waitFor({ state: "attached" });
  assert.equal(await message("Hello Ana").getByText("Read", { exact: true }).count(), 1);

  await writes("wamid.2", { type: "image", image: { id: "1037", caption: "my card" } });
  await message("my card").getByRole("button", { name: "Open image" }).click();
  const shown = message("my card").getByRole("img", { name: "image" });
  await shown.waitFor();
  assert.equal(await shown.evaluate((node) => node.decode().then(() => node.naturalWidth)), 1);

  // A page of the customer's is saved, not opened.
  await writes("wamid.3", { type: "document", document: { id: "1038", filename: "bill.html" } });
  const [saved] = await Promise.all([desk.tab.waitForEvent("download"),
    message("bill.html").getByRole("button", { name: "Open bill.html" }).click()]);
  assert.equal(saved.suggestedFilename(), "bill.html");
  assert.doesNotMatch(await desk.tab.title(), /taken/);

  await writes("wamid.4", { type: "image", image: { id: "1039", caption: "too old" } });
  await message("too old").getByRole("button", { name: "Open image" }).click();
  await message("too old").getByText("the provider no longer has this file").waitFor();
  await picture(desk.tab, "desk-channel");
  await accessible(desk.tab, "a conversation on a messaging channel");

  // All of it is there when the page comes again.
  await desk.tab.reload();
  await desk.tab.getByRole("button", { name: "Ana Weber", exact: true }).click();
  await message("Hello Ana").getByText("Read", { exact: true }).waitFor();
  await message("One moment").getByText("Not delivered: 131026: Message undeliverable").waitFor();
  await message("my card").getByRole("button", { name: "Open image" }).waitFor();
  noProblems(desk.tab);
});
