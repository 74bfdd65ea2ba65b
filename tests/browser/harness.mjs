// What the browser tests share: the real program on a free port with its own store, Chromium, and
// the ways in which a test looks at a page. A test waits for conditions, never for time.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const READY_LIMIT_MS = 120_000;
// On Redis a program that died has a conversation for another ten seconds.
const STEP_LIMIT_MS = process.env.TEST_REDIS ? 30_000 : 15_000;

/**
 * Where the store of a folder's program is: in the folder, or under a prefix of its own on the Redis that `TEST_REDIS` names
 * (`HOST:PORT`, or of a cluster `HOST:PORT,HOST:PORT?cluster=true`).
 */
function storeIn(folder) {
  const server = process.env.TEST_REDIS;
  if (!server) return `sqlite:${join(folder, "bellhop.db")}`;
  const prefix = basename(folder).replace("bellhop-browser", "b");
  return `redis://${server}${server.includes("?") ? "&" : "?"}prefix=${prefix}`;
}

/** Chromium as this machine has it; `CHROMIUM` names another. */
export async function browser() {
  const found = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome"].find((path) => path && existsSync(path));
  assert.ok(found, "no Chromium found: install the package chromium, or name one in CHROMIUM");
  const switches = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync"];
  return chromium.launch({ executablePath: found, args: switches });
}

/**
 * Starts `bellhop serve` with an empty store and these settings: `{url, code, stop(), again()}`. `code` signs the first admin
 * in. `again()` kills the program as a power cut would and starts it on the same store and port. `settings` is the text of a settings file.
 */
export async function program(env = {}, settings = "") {
  const folder = mkdtempSync(join(tmpdir(), "bellhop-browser-"));
  if (settings) writeFileSync(join(folder, "bellhop.toml"), settings);
  let running = await start(folder, "127.0.0.1:0", env);
  const { code } = running;
  return {
    get url() {
      return running.url;
    },
    code,
    async stop() {
      await running.end();
      rmSync(folder, { recursive: true, force: true });
    },
    async end() {
      await running.end();
    },
    async again() {
      const address = new URL(running.url).host;
      await running.end();
      running = await start(folder, address, env);
    },
  };
}

function start(folder, address, env) {
  const binary = process.env.BELLHOP ?? join(ROOT, "target/release/bellhop");
  assert.ok(existsSync(binary), `no program at ${binary}: cargo build --release`);
  const args = ["serve", "--listen", address, "--store", storeIn(folder)];
  const settings = join(folder, "bellhop.toml");
  if (existsSync(settings)) args.push("--config", settings);
  if (process.env.BELLHOP_MODEL) args.push("--model", process.env.BELLHOP_MODEL);
  const child = spawn(binary, args, { cwd: ROOT, env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"] });
  const closed = new Promise((resolve) => child.once("close", resolve));
  const said = [];
  let url = "";
  let code = "";
  let desk = false;
  return new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`${why}; the program said:\n${said.join("\n")}`));
    const limit = setTimeout(() => {
      child.kill("SIGKILL");
      fail("the program did not come up in time");
    }, READY_LIMIT_MS);
    const end = async () => {
      child.kill("SIGKILL");
      await closed;
    };
    closed.then((status) => fail(`the program ended with ${status}`));
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        said.push(line);
        url ||= /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0] ?? "";
        code ||= /#code=([\w-]+)/.exec(line)?.[1] ?? "";
        // Where an admin has signed in before, none is printed.
        desk ||= line.includes("/desk");
        if (!url || !desk) return;
        clearTimeout(limit);
        resolve({ url, code, end });
      });
    }
  });
}

/** A page of an own browser profile whose errors fail the test. */
export async function page(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    reducedMotion: "reduce",
    ...options,
  });
  context.setDefaultTimeout(STEP_LIMIT_MS);
  if (process.env.PAGES === "disk") await fromDisk(context);
  return inContext(context);
}

const PAGES = ["connectors/src/web/widget", "connectors/src/web", "bot/src/desk/page"];

/**
 * Gives scripts and styles from the working tree, not those built into the program: with
 * `PAGES=disk`, a change of them can be tried without building.
 */
async function fromDisk(context) {
  await context.route(/\/([\w-]+\.(js|css)|desk)$/, async (route) => {
    const asked = new URL(route.request().url()).pathname.split("/").at(-1);
    const name = asked === "desk" ? "desk.html" : asked;
    const path = PAGES.map((folder) => join(ROOT, folder, name)).find((file) => existsSync(file));
    await (path ? route.fulfill({ path }) : route.fallback());
  });
}

/** Another tab of the same profile. */
export async function inContext(context) {
  const tab = await context.newPage();
  tab.problems = [];
  tab.on("pageerror", (error) => tab.problems.push(`error: ${error.stack}`));
  tab.on("console", (message) => {
    const text = message.text();
    // Chromium reports refused connections itself; a test that cuts the line expects them.
    const network = /Failed to load resource|WebSocket connection|net::ERR_/.test(text);
    if (message.type() === "error" && !network) tab.problems.push(`console: ${text}`);
  });
  return tab;
}

export function noProblems(...tabs) {
  for (const tab of tabs) assert.deepEqual(tab.problems, []);
}

/** A picture into the folder SCREENSHOTS, where that is set. */
export async function picture(tab, name) {
  const folder = process.env.SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await tab.screenshot({ path: join(folder, `${name}.png`) });
}

/** Fails with what axe finds against WCAG 2.2 A and AA. */
export async function accessible(tab, where) {
  await tab.evaluate(await axeSource());
  const found = await tab.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { violations } = await globalThis.axe.run(document, { runOnly: tags });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) =>
      `${node.target.flat().join(" ")} (${node.any.map((check) => check.message).join("; ")})`)
      .join(" | ")}`);
  });
  assert.deepEqual(found, [], `${where} is accessible`);
}

let axe = "";

async function axeSource() {
  const { readFile } = await import("node:fs/promises");
  axe ||= await readFile(AXE, "utf8");
  return axe;
}

/** Waits until `words` stand somewhere in `within`, each letter to the right of the one before it. */
export async function leftToRight(within, words) {
  const place = within.getByText(words).first();
  await place.waitFor();
  const places = await place.evaluate((node, text) => {
    const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const { data } = walker.currentNode;
      const from = data.indexOf(text);
      if (from < 0) continue;
      return [...text].map((_, at) => {
        const range = document.createRange();
        range.setStart(walker.currentNode, from + at);
        range.setEnd(walker.currentNode, from + at + 1);
        const { left, top } = range.getBoundingClientRect();
        return { left, top };
      });
    }
    return [];
  }, words);
  assert.equal(places.length, words.length, `"${words}" is one text`);
  places.slice(1).forEach((letter, at) => {
    const before = places[at];
    assert.ok(letter.top > before.top || letter.left >= before.left, `"${words}" is turned at ${at}`);
  });
}

/** Walks with Tab until `target` has the keyboard; fails when a whole round never comes by. */
export async function tabTo(tab, target) {
  for (let pressed = 0; pressed < 80; pressed += 1) {
    if (await target.evaluate((node) => node === node.getRootNode().activeElement)) return;
    await tab.keyboard.press("Tab");
  }
  assert.fail(`Tab never reaches ${target}`);
}

/** Waits until `target` has the keyboard. */
export async function focused(target) {
  const handle = await target.elementHandle();
  await target.page().waitForFunction(
    (node) => node === node.getRootNode().activeElement, handle);
}

/** The chat as a customer meets it: found by role and name only, as a screen reader finds it. */
export class Chat {
  constructor(tab) {
    this.tab = tab;
    this.log = tab.getByRole("log", { name: /^Convers/ });
    this.field = tab.getByRole("textbox", { name: /^(Your message|Su mensaje)$/ });
  }

  static async open(tab, url) {
    const chat = new Chat(tab);
    await tab.goto(url);
    await chat.show();
    await chat.hears(/I'm a bot|Soy un robot/);
    return chat;
  }

  async show() {
    await this.tab.getByRole("button", { name: /^(Open chat|Abrir el chat)/ }).click();
  }

  async say(text) {
    await this.field.fill(text);
    await this.field.press("Enter");
  }

  /** Presses a button in the log, or anywhere in `within`. */
  async press(name, within = this.log) {
    await within.getByRole("button", { name, exact: true }).click();
  }

  /** Waits until the last thing said by the other side matches. */
  async hears(pattern) {
    const last = this.log.locator(".msg:not([data-from=customer]) .bubble").last();
    await last.filter({ hasText: pattern }).waitFor();
    return last.innerText();
  }

  /** Waits for a passing or lasting text anywhere in the panel. */
  async sees(pattern) {
    await this.tab.locator("bellhop-chat").getByText(pattern).first().waitFor();
  }

  /** Everything in the log, in order: `customer: …`, `bot: …`, `agent: …`. */
  async transcript() {
    return this.log.locator(".msg").evaluateAll((nodes) => nodes.map((node) =>
      `${node.dataset.from}: ${node.querySelector(".bubble").innerText}`));
  }

  async network(state) {
    await this.tab.locator(`bellhop-chat[data-network=${state}]`).waitFor({ state: "attached" });
  }
}

/** The desk as an agent meets it. */
export class Desk {
  constructor(tab) {
    this.tab = tab;
    this.log = tab.getByRole("log", { name: "Transcript" });
    this.reply = tab.getByRole("textbox", { name: "Reply to the customer" });
    this.details = tab.getByRole("region", { name: "Details" });
  }

  /** Signs in with the link that the program printed, or that an admin made. */
  static async open(tab, { url, code, link = `${url}/desk#code=${code}` }) {
    const desk = new Desk(tab);
    await tab.goto(link);
    await tab.getByRole("switch", { name: "Available" }).waitFor();
    return desk;
  }

  /** The button of whoever came last, so that what another test left behind is no matter. */
  taking(name) {
    return this.tab.getByRole("button", { name: `Take ${name}` }).last();
  }

  async waiting(name) {
    await this.taking(name).waitFor();
  }

  async take(name) {
    await this.taking(name).click();
    await this.log.waitFor();
  }

  /** Waits until `text` stands in the transcript, for the `times`-th time. */
  async reads(text, times = 1) {
    await this.log.locator(".bubble").getByText(text, { exact: true }).nth(times - 1).waitFor();
  }

  async say(text) {
    await this.reply.fill(text);
    await this.reply.press("Enter");
  }

  async note(text) {
    await this.tab.getByRole("radio", { name: "Internal note" }).check();
    await this.tab.getByRole("textbox", { name: "Internal note" }).fill(text);
    await this.tab.getByRole("button", { name: "Keep note" }).click();
    await this.log.getByText(text).waitFor();
    await this.tab.getByRole("radio", { name: "Reply to the customer" }).check();
  }

  /** Invites a colleague; gives the link. */
  async invite(name) {
    await this.tab.getByRole("button", { name: "Invite" }).click();
    const dialog = this.tab.getByRole("dialog", { name: "Invite a colleague" });
    await dialog.getByRole("textbox", { name: "Name that customers will see" }).fill(name);
    await dialog.getByRole("button", { name: "Make a link" }).click();
    const link = dialog.getByRole("textbox", { name: /^Sign-in link/ });
    await link.waitFor();
    const address = await link.inputValue();
    await picture(this.tab, "desk-invite");
    await accessible(this.tab, "the invitation");
    await dialog.getByRole("button", { name: "Close" }).click();
    return address;
  }

  async transfer(queue, note) {
    await this.tab.getByRole("button", { name: "Transfer" }).click();
    const dialog = this.tab.getByRole("dialog", { name: "Transfer" });
    await dialog.getByRole("combobox", { name: "To" }).selectOption({ label: queue });
    await dialog.getByRole("textbox", { name: "Note for the next person" }).fill(note);
    await picture(this.tab, "desk-transfer");
    await dialog.getByRole("button", { name: "Transfer" }).click();
    await this.log.waitFor({ state: "hidden" });
  }

  /** Gives the customer back to the bot. */
  async back() {
    await this.tab.getByRole("button", { name: "Return to bot" }).click();
    await this.tab.getByRole("button", { name: "Return", exact: true }).click();
    await this.log.waitFor({ state: "hidden" });
  }

  /** Ends it; gives the note that stood there already. */
  async wrapUp() {
    await this.tab.getByRole("button", { name: "Wrap up" }).click();
    const dialog = this.tab.getByRole("dialog", { name: "Wrap up" });
    const note = await dialog.getByRole("textbox", { name: "Note for the record" }).inputValue();
    await picture(this.tab, "desk-wrap-up");
    await dialog.getByRole("button", { name: "Finish" }).click();
    await this.log.waitFor({ state: "hidden" });
    return note;
  }
}
