// What keeps a chat from its server, one row each: what the customer reads, what the developer reads on
// the console, and that it goes on once the cause is gone. The real program, behind a proxy that can
// refuse, in pages of another origin.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import * as h from "./harness.mjs";
import { Chat, picture } from "./harness.mjs";

const OVERDRAFT = /arranged overdraft costs 39\.9% EAR/;

let browser;
let program;
let proxy;
/** A page that may embed the chat, and one that may not. */
let listed;
let stranger;

before(async () => {
  browser = await h.browser();
  listed = await site();
  stranger = await site();
  // As people write it: with a slash at the end.
  program = await h.program({ BELLHOP_ALLOWED_ORIGINS: `${listed.url}/` });
  proxy = await gate(new URL(program.url));
});

after(async () => {
  await browser?.close();
  await program?.stop();
  for (const server of [proxy, listed, stranger]) server?.close();
});

function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      server.unref();
      resolve({
        url: `http://127.0.0.1:${server.address().port}`,
        close: () => {
          server.closeAllConnections();
          server.close();
        },
      });
    });
  });
}

/** A site that embeds the chat; `?csp=` is its security policy, `?with=` attributes of the script. */
function site() {
  return listen(createServer((asked, answer) => {
    const query = new URL(asked.url, "http://site").searchParams;
    const headers = { "content-type": "text/html; charset=utf-8" };
    if (query.get("csp")) headers["content-security-policy"] = query.get("csp");
    answer.writeHead(200, headers);
    answer.end(`<!doctype html><html lang="${query.get("lang") ?? "en"}"><title>Shop</title>
      <h1>Shop</h1><script src="${proxy.url}/widget.js" ${query.get("with") ?? ""} defer></script></html>`);
  }));
}

/**
 * A proxy in front of the program. `rule(request)` says what becomes of each request: nothing said
 * lets it through, a status answers it, "reset" cuts it, "hang" never answers, "mute" opens a socket
 * that carries nothing.
 */
async function gate(target) {
  const asked = [];
  const server = createServer((from, to) => {
    const act = judge(from);
    if (act === "reset") return from.socket.destroy();
    if (act === "hang") return undefined;
    if (act) {
      const headers = { "content-type": "application/problem+json", ...act.headers };
      if (act.readable !== false) {
        headers["access-control-allow-origin"] = "*";
        headers["access-control-expose-headers"] = "retry-after";
      }
      to.writeHead(act.status, headers);
      return to.end(JSON.stringify({ status: act.status, detail: act.detail }));
    }
    const { hostname: host, port } = target;
    const onward = request({ host, port, path: from.url, method: from.method, headers: from.headers },
      (answer) => {
        to.writeHead(answer.statusCode, answer.headers);
        answer.pipe(to);
      });
    onward.on("error", () => to.destroy());
    to.on("close", () => onward.destroy());
    return from.pipe(onward);
  });
  server.on("upgrade", (from, socket) => {
    socket.on("error", () => {});
    const act = judge(from);
    if (act === "reset") return socket.destroy();
    if (act === "hang") return undefined;
    if (act === "mute") {
      const accept = createHash("sha1").update(`${from.headers["sec-websocket-key"]}` +
        "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
      return socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n" +
        `connection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`);
    }
    if (act) return socket.end(`HTTP/1.1 ${act.status} No\r\ncontent-length: 0\r\n\r\n`);
    const onward = connect(target.port, target.hostname, () => {
      const headers = from.rawHeaders.map((part, at) => part + (at % 2 ? "\r\n" : ": ")).join("");
      onward.write(`GET ${from.url} HTTP/1.1\r\n${headers}\r\n`);
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    return socket.on("close", () => onward.destroy());
  });
  const { url, close } = await listen(server);
  const here = { url, close, asked, rule: null };
  function judge(from) {
    const kind = kindOf(from);
    asked.push(kind);
    if (from.method === "OPTIONS" || kind === "page") return here.down ? "reset" : null;
    return here.rule?.(kind, from) ?? null;
  }
  return here;
}

function kindOf({ method, url, headers }) {
  const { pathname } = new URL(url, "http://proxy");
  if (method === "OPTIONS") return "preflight";
  if (headers.upgrade) return "socket";
  if (pathname === "/v1/conversations") return "open";
  if (pathname.endsWith("/events")) return "events";
  if (pathname.endsWith("/messages")) return "message";
  return pathname === "/v1/origin" ? "origin" : "page";
}

/** Opens the chat in a page of `from`; gives what was said on the console as well. */
async function visit({ from = listed, csp = "", lang = "en", attributes = "", kept } = {}) {
  const tab = await h.page(browser);
  const said = [];
  tab.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
  if (kept) {
    await tab.addInitScript(([server, conversation]) => {
      const key = `bellhop:${server}:anonymous:conversation`;
      if (!localStorage.getItem("told")) localStorage.setItem(key, JSON.stringify(conversation));
      localStorage.setItem("told", "1");
    }, [proxy.url, kept]);
  }
  const query = new URLSearchParams({ csp, lang, with: attributes });
  await tab.goto(`${from.url}/?${query}`);
  const chat = new Chat(tab);
  await chat.show();
  return { tab, chat, said };
}

async function developer(said, pattern) {
  await until(() => said.some((line) => pattern.test(line)), () => said.join("\n"));
}

async function until(holds, told) {
  for (let tries = 0; tries < 200; tries += 1) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`never came: ${told()}`);
}

const talks = async (chat) => {
  await chat.network("online");
  await chat.say("how much is the overdraft fee?");
  await chat.hears(OVERDRAFT);
};

const only = (...kinds) => (act) => (kind) => (kinds.includes(kind) ? act : null);
const all = (act) => () => act;
const unknown = { id: "01ARZ3NDEKTSV4RRFFQ69G5FAV", token: "none" };
const CSP = (more) => () => `default-src 'none'; script-src ${proxy.url}; connect-src ${more()}`;

// `state`: what the chat stands at, `reads` what the customer reads then, `console` what the developer
// does. `opens` is how often a conversation is asked for before somebody asks to try again.
const STOPS = [
  { name: "the origin is not allowed", from: () => stranger, opens: 0,
    console: () => new RegExp(`^error: bellhop: this page's origin ${stranger.url} is not in ` +
      "`allowed_origins` of the chat server .*allowed_origins = \\[\"" + stranger.url) },
  { name: "the page's security policy allows no connection", csp: CSP(() => "'self'"), opens: 0,
    console: () => new RegExp("^error: bellhop: .*Content-Security-Policy.* " +
      `add \`${proxy.url} ${proxy.url.replace("http", "ws")}\` to its connect-src`) },
  { name: "404: the address is not a chat server's", rule: only("open")({ status: 404 }), opens: 1,
    console: () => /^error: bellhop: no chat server at .*look at `server` \(data-server\)/ },
  { name: "403: refused", rule: only("open")({ status: 403, detail: "not from there" }), opens: 1,
    console: () => /^error: bellhop: .*answered 403 .*not from there/ },
  { name: "401: refused", rule: only("open")({ status: 401 }), opens: 1,
    console: () => /^error: bellhop: .*answered 401/ },
  { name: "the token that was just given is refused", opens: 1,
    rule: only("socket", "events")({ status: 401 }),
    console: () => /^error: bellhop: .*refuses \(401\).*Authorization header/ },
];

for (const { name, from, csp, rule, opens, console: expected } of STOPS) {
  test(`${name}: said, and not asked for again until somebody does`, async () => {
    proxy.rule = rule ?? null;
    proxy.asked.length = 0;
    const { tab, chat, said } = await visit({ from: from?.(), csp: csp?.() });
    await chat.network("unavailable");
    await chat.sees("the chat isn't available here right now");
    await developer(said, expected());
    await picture(tab, `connection-${name.replace(/\W+/g, "-")}`);
    // Longer than the pause after a failure that passes.
    await tab.waitForTimeout(1_500);
    const asked = proxy.asked.filter((kind) => kind === "open").length;
    assert.ok(asked <= opens, `${proxy.asked}`);
    assert.equal(said.filter((line) => expected().test(line)).length, 1, "told once");
    await chat.say("how much is the overdraft fee?");
    await chat.log.locator(".msg[data-state=sending]").waitFor();
    await chat.network("unavailable");
    if (rule) {
      proxy.rule = null;
      await tab.getByRole("button", { name: "Try again" }).click();
      await chat.network("online");
      await chat.hears(OVERDRAFT);
    }
    await tab.context().close();
  });
}

const PASSES = [
  { name: "429", rule: only("open")({ status: 429, headers: { "retry-after": "60" } }),
    state: "busy", reads: "The chat is very busy right now",
    console: /^warning: bellhop: .*answered 429/ },
  { name: "503", rule: only("open")({ status: 503, headers: { "retry-after": "1" } }),
    itself: true, state: "busy", reads: "The chat is very busy right now",
    console: /^warning: bellhop: .*answered 503/ },
  { name: "500", rule: only("open")({ status: 500 }), state: "unreachable",
    reads: "We can't reach the chat right now", console: /^warning: bellhop: .*answered 500/ },
  { name: "a proxy's own error page", rule: all({ status: 502, readable: false }),
    state: "unreachable", reads: "We can't reach the chat right now",
    console: /^warning: bellhop: something at .* answers, but not as a chat server/ },
  { name: "a server that is gone", rule: all("reset"), state: "unreachable",
    reads: "We can't reach the chat right now",
    console: /^warning: bellhop: no answer from .*is the server running/ },
  { name: "a server that is gone, in Spanish", rule: all("reset"), lang: "es", state: "unreachable",
    reads: "Ahora mismo no podemos conectar con el chat",
    console: /^warning: bellhop: no answer from/ },
  { name: "500 for the events", rule: only("socket", "events")({ status: 500 }),
    state: "unreachable", reads: "We can't reach the chat right now",
    console: /^warning: bellhop: .*answered 500 when events/ },
];

for (const { name, rule, lang, state, itself, reads, console: expected } of PASSES) {
  test(`${name}: said, tried again by itself and at once when asked`, async () => {
    proxy.rule = rule;
    const { tab, chat, said } = await visit({ lang });
    await chat.network(state);
    await chat.sees(reads);
    await developer(said, expected);
    await picture(tab, `connection-${name.replace(/\W+/g, "-")}`);
    await chat.say("how much is the overdraft fee?");
    const again = tab.getByRole("button", { name: /^(Try again|Reintentar)$/ });
    await again.waitFor();
    proxy.rule = null;
    // A real click waits until it can be made, and by then it may have gone on by itself.
    if (!itself) await again.evaluate((button) => button.click());
    await chat.network("online");
    await chat.hears(OVERDRAFT);
    assert.equal(await chat.tab.getByText(reads).count(), 0);
    await tab.context().close();
  });
}

const SOCKETS = [
  { name: "refused", rule: only("socket")({ status: 403 }) },
  { name: "cut", rule: only("socket")("reset") },
  { name: "left unanswered", rule: only("socket")("hang") },
  { name: "opened and mute", rule: only("socket")("mute") },
  { name: "forbidden by the page's security policy", csp: CSP(() => proxy.url),
    console: () => new RegExp("^info: bellhop: .*Content-Security-Policy keeps web sockets.* add `" +
      proxy.url.replace("http", "ws")) },
];

for (const { name, rule, csp, console: expected } of SOCKETS) {
  test(`web sockets are ${name}: the chat goes on over server-sent events`, async () => {
    proxy.rule = rule ?? null;
    const { tab, chat, said } = await visit({ csp: csp?.() });
    await talks(chat);
    await developer(said, expected?.() ?? /^info: bellhop: no web socket to .*server-sent events/);
    await tab.context().close();
  });
}

test("a conversation that the server does not know any more is begun anew", async () => {
  for (const rule of [null, only("socket", "events")({ status: 404 })]) {
    // A rule that refuses the old one only.
    proxy.rule = rule && ((kind, from) => (from.url.includes(unknown.id) ? rule(kind) : null));
    const { tab, chat } = await visit({ kept: unknown });
    await chat.sees("Your last conversation had expired, so this is a new one");
    await talks(chat);
    await tab.context().close();
  }
});

test("a customer token that is refused is told to the developer, and the chat goes on", async () => {
  proxy.rule = null;
  const { tab, chat, said } = await visit({ attributes: 'data-token="e30.e30.AAAA"' });
  await talks(chat);
  await developer(said, /^warning: bellhop: .*401.*not signed with this server's customer_secret/);
  await tab.context().close();
});

test("offline is said as that, and what is written meanwhile is sent afterwards", async () => {
  proxy.rule = null;
  const { tab, chat } = await visit();
  await chat.network("online");
  await tab.context().setOffline(true);
  await chat.network("offline");
  await chat.sees("You are offline. Messages are kept");
  await chat.say("how much is the overdraft fee?");
  await tab.context().setOffline(false);
  await chat.hears(OVERDRAFT);
  await tab.context().close();
});

test("an address that is none does not break the page", async () => {
  proxy.rule = null;
  const { tab, chat, said } = await visit({ attributes: 'data-server="http://:bad:"' });
  await talks(chat);
  await developer(said, /^error: bellhop: `server` \(data-server\) is no address: http:\/\/:bad:/);
  await tab.context().close();
});
