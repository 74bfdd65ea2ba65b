// The widget against a scripted server: what the real one does rarely, or never should.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as h from "./harness.mjs";
import { Chat, noProblems, picture } from "./harness.mjs";

const SITE = "http://bellhop.test";
const WIDGET = readFileSync(join(h.ROOT, "connectors/src/web/widget/widget.js"), "utf8");

let browser;

before(async () => {
  browser = await h.browser();
});

after(() => browser?.close());

/** A server whose every word the test chooses. Sockets are answered by `onFrame(frame, send)`. */
async function scripted({ onFrame, opened = [], lang = "en", dir = "ltr", attributes = "" } = {}) {
  const tab = await h.page(browser);
  const server = { tab, sockets: [], frames: [], conversations: 0 };
  const html = `<!doctype html><html lang="${lang}" dir="${dir}"><title>Site</title>
    <script src="/widget.js" defer></script><bellhop-chat ${attributes}></bellhop-chat></html>`;
  await tab.context().route(`${SITE}/**`, (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === "/") return route.fulfill({ contentType: "text/html; charset=utf-8", body: html });
    if (pathname === "/widget.js") {
      return route.fulfill({ contentType: "text/javascript; charset=utf-8", body: WIDGET });
    }
    if (pathname === "/v1/conversations") {
      server.conversations += 1;
      const conversation_id = `c${server.conversations}`;
      return route.fulfill({ json: { conversation_id, token: "t", events: opened } });
    }
    return server.http ? server.http(route, pathname) : route.fulfill({ status: 404, json: {} });
  });
  await tab.context().routeWebSocket(/\/socket\?/, (socket) => {
    const send = (frame) => socket.send(JSON.stringify(frame));
    server.sockets.push(socket);
    server.send = send;
    socket.onMessage((text) => {
      const frame = JSON.parse(text);
      server.frames.push(frame);
      if (frame.type === "ping") send({ type: "pong" });
      onFrame?.(frame, send, server);
    });
  });
  await tab.goto(SITE);
  await tab.getByRole("button", { name: /^Open chat|^Abrir/ }).click();
  const chat = new Chat(tab);
  await chat.network("online");
  return { server, chat, tab };
}

const says = (seq, text, more = {}) =>
  ({ seq, at: "2026-01-05T10:00:00Z", type: "message", from: "bot", text, language: "en", ...more });

/**
 * Stores what is sent and acknowledges it, as the real server does: of a button it stores the
 * title.
 */
function storing(titles = {}) {
  let seq = 100;
  return (frame, send) => {
    if (frame.type !== "message") return;
    seq += 1;
    send({ type: "ack", client_msg_id: frame.client_msg_id, seq });
    send({ seq, at: "2026-01-05T10:00:00Z", type: "message", from: "customer",
      text: frame.text ?? titles[frame.payload] ?? frame.payload, client_msg_id: frame.client_msg_id });
  };
}

test("an address that is not http(s) is never a link", async () => {
  const { server, chat, tab } = await scripted();
  const evil = ["javascript:alert(1)", "data:text/html,<script>1</script>", "vbscript:x", "file:///x"];
  server.send(says(1, "Look", {
    links: [...evil.map((url) => ({ title: url, url })), { title: "Good", url: "/help" }],
    source: { article: "a", title: "Fees", url: evil[0] },
  }));
  await chat.log.getByRole("link", { name: "Good" }).waitFor();
  const links = await chat.log.getByRole("link").evaluateAll((all) => all.map((a) => a.href));
  assert.deepEqual(links, [`${SITE}/help`]);
  await chat.sees("From: Fees");
  noProblems(tab);
  await tab.context().close();
});

test("a name that turns text around turns nothing but itself", async () => {
  const { server, chat, tab } = await scripted();
  const handoff = (seq, state, agent) =>
    ({ seq, at: "2026-01-05T10:00:00Z", type: "handoff", state, handoff_id: "H1", agent });
  // An override that is never closed, and one that closes our isolate first.
  server.send(handoff(1, "assigned", "\u202eAnna"));
  await h.leftToRight(chat.log, " joined the conversation");
  server.send(handoff(2, "assigned", "\u2069\u202eEva"));
  await h.leftToRight(chat.log.locator(".line").last(), " joined the conversation");
  server.send(says(3, "\u202eHello there", { from: "agent", agent: "\u202eEva" }));
  server.send(says(4, "And good day"));
  await h.leftToRight(chat.log, "And good day");
  await chat.sees(/^\u2068Eva\u2069, a person, is with you$/);
  noProblems(tab);
  await tab.context().close();
});

test("lists, bold and addresses in an answer are shown; markup in it is text", async () => {
  const { server, chat, tab } = await scripted();
  server.send(says(1, "**Fees**\n\n- none <b>x</b>\n- some\n\n1. first\n2. second\n\nSee https://bank.example/a."));
  await chat.log.getByRole("listitem").nth(3).waitFor();
  assert.equal(await chat.log.getByRole("list").count(), 2);
  assert.equal(await chat.log.locator("strong").innerText(), "Fees");
  assert.equal(await chat.log.locator("b").count(), 0);
  const link = chat.log.getByRole("link");
  assert.equal(await link.getAttribute("href"), "https://bank.example/a");
  await tab.context().close();
});

test("a source is named once: as a link, not in the text as well", async () => {
  const { server, chat, tab } = await scripted();
  const source = { article: "a", title: "Fees", section: "Abroad", url: "/kb/a" };
  server.send(says(1, "It is free.\n\nAnd quick.\n\nFrom: Fees", { source }));
  server.send(says(2, "It is free.\n\nRead more in Fees, or in our long brochure about Fees",
    { source }));
  await chat.hears("Read more");
  const [first, second] = await chat.transcript();
  assert.doesNotMatch(first, /From|Fees/);
  assert.match(first, /And quick\.$/);
  assert.match(second, /brochure/);
  const links = chat.log.getByRole("link", { name: "Fees – Abroad" });
  assert.equal(await links.count(), 2);
  noProblems(tab);
  await tab.context().close();
});

test("events that come twice or late are shown once and in order", async () => {
  const { server, chat, tab } = await scripted();
  for (const seq of [1, 3, 2, 3, 1]) server.send(says(seq, `number ${seq}`));
  server.send({ type: "a kind that comes later", seq: 4 });
  server.send(says(9, "last"));
  await chat.hears("last");
  assert.deepEqual(await chat.transcript(),
    ["bot: number 1", "bot: number 2", "bot: number 3", "bot: last"]);
  noProblems(tab);
  await tab.context().close();
});

test("a message is sent again, under the same id, until it is acknowledged", async () => {
  const store = storing();
  let deaf = true;
  const { server, chat, tab } = await scripted({
    onFrame: (frame, send) => deaf || store(frame, send),
  });
  await chat.say("hear me");
  await chat.log.locator(".msg[data-state=sending]").waitFor();
  deaf = false;
  await server.sockets.at(-1).close({ code: 1011 });
  await chat.log.locator(".msg[data-state=delivered]", { hasText: "hear me" }).waitFor();
  const ids = server.frames.filter(({ type }) => type === "message").map((f) => f.client_msg_id);
  assert.ok(ids.length >= 2);
  assert.equal(new Set(ids).size, 1);
  assert.equal(await chat.log.locator(".msg").count(), 1);
  await tab.context().close();
});

test("a refused message says why and can be tried again or discarded", async () => {
  let refuse = true;
  const store = storing();
  const { chat, tab } = await scripted({
    onFrame: (frame, send) => {
      if (frame.type !== "message") return;
      if (!refuse) return store(frame, send);
      send({ type: "error", code: "too_long", message: "at most 10 characters",
        client_msg_id: frame.client_msg_id });
    },
  });
  await chat.say("one message that is refused");
  await chat.sees("Not sent: at most 10 characters");
  await picture(tab, "widget-refused");
  refuse = false;
  await chat.press("Try again");
  await chat.log.locator(".msg[data-state=delivered]").waitFor();
  refuse = true;
  await chat.say("another");
  await chat.press("Discard");
  assert.deepEqual(await chat.transcript(), ["customer: one message that is refused"]);
  assert.deepEqual(await tab.evaluate(() =>
    Object.keys(localStorage).filter((key) => key.includes(":out:"))), []);
  await tab.context().close();
});

test("after a conversation has closed, the next message begins another", async () => {
  const { server, chat, tab } = await scripted({ onFrame: storing() });
  server.send(says(1, "Goodbye"));
  server.send({ seq: 2, at: "2026-01-05T10:00:00Z", type: "closed", reason: "idle" });
  await chat.sees("This conversation has ended");
  await chat.say("one more thing");
  await chat.log.locator(".msg[data-state=delivered]", { hasText: "one more thing" }).waitFor();
  assert.equal(server.conversations, 2);
  assert.deepEqual(await chat.transcript(), ["bot: Goodbye", "customer: one more thing"]);
  await chat.sees("New conversation");
  await tab.context().close();
});

test("a pressed button says its title and is not offered again", async () => {
  const onFrame = storing({ savings: "Savings" });
  const { server, chat, tab } = await scripted({ onFrame });
  server.send(says(1, "Which?", { buttons: [{ title: "Current account", payload: "current" },
    { title: "Savings", payload: "savings" }] }));
  await chat.press("Savings");
  await chat.log.locator(".msg[data-state=delivered]", { hasText: "Savings" }).waitFor();
  assert.equal(await chat.log.getByRole("button").count(), 0);
  const sent = server.frames.find(({ type }) => type === "message");
  assert.equal(sent.payload, "savings");
  assert.equal(sent.text, undefined);
  await tab.getByRole("button", { name: "Talk to a person" }).click();
  await chat.log.locator(".msg[data-state=delivered]", { hasText: "Talk to a person" }).waitFor();
  assert.equal(server.frames.at(-1).payload, "/human");
  await chat.say("savings");
  await chat.log.locator(".msg[data-state=delivered]", { hasText: /savings/ }).waitFor();
  assert.equal((await chat.transcript()).at(-1), "customer: savings", "typed words stay as typed");
  await tab.context().close();
});

test("the place in line is told and kept up to date", async () => {
  const { server, chat, tab } = await scripted();
  const queued = (seq, position, wait_s) => ({ seq, at: "2026-01-05T10:00:00Z", type: "handoff",
    state: "queued", handoff_id: "h", queue: "cards", queue_title: "the cards team", position, wait_s });
  server.send(queued(1, 3, 300));
  await chat.sees("You are in line for the cards team");
  await chat.sees("Number 3 in line · about 5 min");
  server.send({ type: "position", handoff_id: "h", queue: "cards", queue_title: "the cards team",
    position: 1, wait_s: 20 });
  await chat.sees("You are next in line · less than a minute");
  server.send({ ...queued(3), state: "assigned", agent: "Ana" });
  await chat.sees("Ana joined the conversation");
  server.send({ type: "typing", from: "agent", on: true });
  await chat.sees("Ana is typing");
  server.send(says(4, "Hello", { from: "agent", agent: "Ana" }));
  await chat.hears("Hello");
  await tab.getByText("Ana is typing").waitFor({ state: "hidden" });
  server.send({ ...queued(5), state: "closed" });
  await chat.sees("Ana has left the conversation");
  await tab.context().close();
});

test("typing is shown only of who is to answer, and only while they do", async () => {
  const { server, chat, tab } = await scripted({ onFrame: storing() });
  const bar = tab.locator("bellhop-chat .typing");
  let seq = 0;
  const event = (more) => {
    seq += 1;
    server.send({ seq, at: "2026-01-05T10:00:00Z", handoff_id: "h", queue: "q", agent: "Ana", ...more });
  };
  const typing = (from, on = true) => server.send({ type: "typing", from, on });
  const shows = (who) => bar.filter({ hasText: `${who} is typing` }).waitFor();
  const nothing = () => bar.waitFor({ state: "hidden" });
  /** Whatever was sent before this is shown by now. */
  const seen = async () => {
    event({ type: "message", from: "customer", text: `seen ${seq + 1}` });
    await chat.sees(`seen ${seq}`);
  };
  const ignored = async (from) => {
    typing(from);
    await seen();
    assert.equal(await bar.isVisible(), false, `${from} is not shown`);
  };
  const bot = async () => {
    typing("bot");
    await shows("Assistant");
  };
  await ignored("customer");
  await ignored("agent");
  await bot();
  await seen();
  await shows("Assistant");
  typing("bot", false);
  await nothing();
  await bot();
  event({ type: "message", from: "bot", text: "There." });
  await nothing();
  await bot();
  event({ type: "handoff", state: "queued" });
  await nothing();
  await bot();
  event({ type: "handoff", state: "assigned" });
  await nothing();
  await ignored("bot");
  await ignored("customer");
  typing("agent");
  await shows("Ana");
  // The bot stopping says nothing of the agent.
  typing("bot", false);
  await seen();
  await shows("Ana");
  event({ type: "handoff", state: "returned" });
  await nothing();
  await ignored("agent");
  await bot();
  event({ type: "closed", reason: "idle" });
  await nothing();
  noProblems(tab);
  await tab.context().close();
});

test("typing goes when a message is refused and when the connection is lost", async () => {
  const { server, chat, tab } = await scripted({
    onFrame: (frame, send) => frame.type === "message" && send({ type: "error", code: "too_long",
      message: "at most 10 characters", client_msg_id: frame.client_msg_id }),
  });
  const bar = tab.locator("bellhop-chat .typing");
  server.send({ type: "typing", from: "bot", on: true });
  await bar.waitFor();
  await chat.say("one message that is refused");
  await chat.sees("Not sent: at most 10 characters");
  await bar.waitFor({ state: "hidden" });
  server.send({ type: "typing", from: "bot", on: true });
  await bar.waitFor();
  server.http = (route) => route.fulfill({ status: 503, json: {} });
  await server.sockets.at(-1).close({ code: 1011 });
  await bar.waitFor({ state: "hidden" });
  await chat.network("online");
  assert.equal(await bar.isVisible(), false);
  await tab.context().close();
});

test("rows of a table are a table where it fits a bubble, and a list where it does not", async () => {
  const { server, chat, tab } = await scripted();
  const source = { article: "a", title: "Fees", url: "/kb/a" };
  server.send(says(1, "Our fees:\n• Monthly fee – Current: £0 · Plus: £6 · Premier: £15\n" +
    "• Card payments abroad – Current: 2.75% · Plus: free · Premier: **free**\nThat is all.\n\nFrom: Fees",
  { source }));
  const table = chat.log.getByRole("table");
  await table.waitFor();
  assert.deepEqual(await table.locator("tr").evaluateAll((rows) =>
    rows.map((row) => [...row.cells].map((cell) => cell.textContent))),
  [["", "Current", "Plus", "Premier"], ["Monthly fee", "£0", "£6", "£15"],
    ["Card payments abroad", "2.75%", "free", "free"]]);
  assert.equal(await table.getByRole("rowheader").count(), 2);
  await chat.sees("That is all.");
  await picture(tab, "widget-table");
  const long = "as long as the account is open and in credit";
  const lists = [
    `• Debit – Fee: none, ${long} · Limit: £300\n• Credit – Fee: £60 · Limit: £500`,
    "• Debit – Fee: none · Limit: £300\n• Credit – Fee: £60",
    "• Debit – Fee: none · Limit: £300",
    "• Debit – free of charge\n• Credit – in some shops only",
  ];
  for (const [at, text] of lists.entries()) {
    server.send(says(at + 2, `List ${at}:\n${text}`, { source }));
    await chat.hears(`List ${at}`);
    const last = chat.log.locator(".msg").last();
    assert.equal(await last.getByRole("table").count(), 0, text);
    assert.equal(await last.getByRole("listitem").count(), text.split("\n").length, text);
  }
  await picture(tab, "widget-table-as-list");
  server.send(says(9, "1. Open the app\nand sign in.\n2. Tap Cards", { source }));
  await chat.hears("Tap Cards");
  const second = chat.log.locator(".msg").last().locator("ol").last();
  assert.equal(await second.getAttribute("start"), "2", "the numbers go on");
  noProblems(tab);
  await tab.context().close();
});

test("what the bot says of a handoff in its own words is not said by a line as well", async () => {
  const { server, chat, tab } = await scripted();
  const news = (seq, state) => ({ seq, at: "2026-01-05T10:00:00Z", type: "handoff", state,
    handoff_id: "h", agent: "Ana" });
  server.send(news(1, "assigned"));
  server.send(says(2, "Meet Ana.", { name: "agent_joined" }));
  await chat.hears("Meet Ana.");
  server.send(news(3, "closed"));
  await chat.sees("Ana has left the conversation");
  server.send(says(4, "How was it?", { name: "csat" }));
  await chat.hears("How was it?");
  const lines = await chat.log.locator(".line").allInnerTexts();
  assert.deepEqual(lines, ["Ana has left the conversation"]);
  noProblems(tab);
  await tab.context().close();
});

test("whoever reads the end still does when a banner takes room", async () => {
  const { server, chat, tab } = await scripted();
  for (let seq = 1; seq < 30; seq += 1) server.send(says(seq, `number ${seq}`));
  server.send({ seq: 30, at: "2026-01-05T10:00:00Z", type: "handoff", state: "queued",
    handoff_id: "h", queue: "q", queue_title: "the team with a rather long name", position: 2 });
  await chat.sees("Number 2 in line");
  await tab.waitForFunction(() => {
    const log = document.querySelector("bellhop-chat").shadowRoot.querySelector(".log");
    return log.scrollHeight - log.scrollTop - log.clientHeight < 2;
  });
  assert.equal(await tab.getByRole("button", { name: "Newest messages" }).count(), 0);
  noProblems(tab);
  await tab.context().close();
});

test("a closed panel counts what is new, and the count goes when it is read", async () => {
  const { server, chat, tab } = await scripted();
  server.send(says(1, "first"));
  await chat.hears("first");
  await tab.keyboard.press("Escape");
  server.send(says(2, "second"));
  server.send(says(3, "third"));
  const launcher = tab.getByRole("button", { name: "Open chat, 2 new" });
  await launcher.click();
  await chat.hears("third");
  await tab.keyboard.press("Escape");
  await tab.getByRole("button", { name: "Open chat", exact: true }).waitFor();
  await tab.context().close();
});

test("a busy server is asked again, and nothing typed meanwhile is lost", async () => {
  const { server, chat, tab } = await scripted({ onFrame: storing() });
  let refusals = 2;
  server.http = (route) => route.fulfill(refusals-- > 0 ? { status: 503, json: {} }
    : { status: 404, json: {} });
  await server.sockets.at(-1).close({ code: 1013 });
  await chat.say("patience");
  await chat.log.locator(".msg[data-state=delivered]", { hasText: "patience" }).waitFor();
  noProblems(tab);
  await tab.context().close();
});

test("a right-to-left page turns the chat around", async () => {
  const { server, chat, tab } = await scripted({ dir: "rtl", onFrame: storing() });
  server.send(says(1, "مرحبا، كيف يمكنني مساعدتك؟", { language: "ar",
    buttons: [{ title: "الرصيد", payload: "balance" }] }));
  await chat.hears("مرحبا");
  await chat.say("الرصيد من فضلك");
  const own = chat.log.locator(".msg[data-from=customer] .bubble");
  await own.waitFor();
  const [mine, theirs] = await Promise.all([own.boundingBox(),
    chat.log.locator(".msg[data-from=bot] .bubble").boundingBox()]);
  assert.ok(mine.x < theirs.x, "one's own words stand at the inline end");
  const panel = await tab.getByRole("dialog").boundingBox();
  assert.ok(panel.x < 100, "the panel stands at the inline end of the page");
  await picture(tab, "widget-rtl");
  await tab.context().close();
});

test("inline, the chat fills its place and is open", async () => {
  const tab = await h.page(browser);
  await tab.context().route(`${SITE}/**`, (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === "/widget.js") {
      return route.fulfill({ contentType: "text/javascript; charset=utf-8", body: WIDGET });
    }
    if (pathname === "/v1/conversations") {
      const events = [says(1, "Hi", { language: "es" })];
      return route.fulfill({ json: { conversation_id: "c", token: "t", events } });
    }
    return route.fulfill({ contentType: "text/html; charset=utf-8", body: `<!doctype html><html lang="es">
      <title>Site</title><bellhop-chat inline title="Ayuda"></bellhop-chat>
      <script src="/widget.js"></script></html>` });
  });
  await tab.goto(SITE);
  const region = tab.getByRole("region", { name: "Ayuda" });
  await region.getByText("Hi").waitFor();
  await region.getByRole("textbox", { name: "Su mensaje" }).waitFor();
  assert.equal(await tab.getByRole("button", { name: /^(Abrir|Cerrar)/ }).count(), 0);
  await tab.context().close();
});
