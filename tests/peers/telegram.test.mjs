// The program behind an emulator of Telegram's Bot API that others wrote: what a customer writes and presses there
// reaches the bot, and what the bot says reaches the customer.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import TelegramServer from "telegram-test-api";
import { program as start } from "../browser/harness.mjs";

const TOKEN = "123456:AAF-a-token";
const SECRET = "a-secret_42-0123456789abcdef_0123";
const LIMIT = { timeout: 60_000 };

let emulator;
let relay;
let program;
/** What the program answers to each delivery: its status, once it has. */
const answers = [];

const listen = (server) => new Promise((resolve) => {
  server.listen(0, "127.0.0.1", () => resolve(server.address().port));
});

async function freePort() {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

/**
 * The emulator delivers without the secret header of setWebhook ("X-Telegram-Bot-Api-Secret-Token"), so what it
 * delivers goes on from here with what was registered.
 */
function relayTo(url) {
  return createServer(async (request, response) => {
    const body = await new Response(request).text();
    const { secret_token: secret = "" } = emulator.webhooks[TOKEN];
    const headers = { "content-type": "application/json", "x-telegram-bot-api-secret-token": secret };
    const delivered = fetch(url, { method: "POST", headers, body });
    // A program that is gone must leave no delivery without an answer: the emulator would wait for it for ever.
    answers.push(delivered.then((answer) => answer.status, () => 502));
    response.writeHead(await answers.at(-1)).end();
  });
}

before(async () => {
  emulator = new TelegramServer({ port: await freePort(), host: "127.0.0.1" });
  await emulator.start();
  program = await start({
    BELLHOP_CHANNELS__TG__KIND: "telegram",
    BELLHOP_CHANNELS__TG__TOKEN: TOKEN,
    BELLHOP_CHANNELS__TG__SECRET: SECRET,
    BELLHOP_CHANNELS__TG__BASE_URL: emulator.config.apiURL,
  });
  relay = relayTo(`${program.url}/webhooks/messages/tg`);
  await listen(relay);
}, LIMIT);

after(async () => {
  await program?.stop();
  relay?.close();
  relay?.closeAllConnections();
  await emulator?.stop();
}, LIMIT);

async function register(secret) {
  const { port } = relay.address();
  const webhook = { url: `http://127.0.0.1:${port}/`, secret_token: secret };
  const answer = await fetch(`${emulator.config.apiURL}/bot${TOKEN}/setWebhook`, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(webhook) });
  assert.equal((await answer.json()).ok, true);
}

/** A customer in a chat of their own. */
class Customer {
  #client;
  #heard = 0;

  constructor(id) {
    this.id = id;
    this.#client = emulator.getClient(TOKEN, { userId: id, chatId: id, firstName: "Ana" });
  }

  say(text) {
    return this.#client.sendMessage(this.#client.makeMessage(text));
  }

  /** Presses a button below a message. */
  press(message, button) {
    const query = this.#client.makeCallbackQuery(button.callback_data);
    Object.assign(query.message, { message_id: 1, date: 1, text: message.text,
      reply_markup: message.reply_markup });
    return this.#client.sendCallback(query);
  }

  get messages() {
    const mine = ({ message }) => String(message.chat_id) === String(this.id);
    return emulator.storage.botMessages.filter(mine).map(({ message }) => message);
  }

  /** Waits for the next message that matches, after the one that was heard last. */
  async hears(pattern) {
    for (;;) {
      const at = this.messages.findIndex(({ text }, n) => n >= this.#heard && pattern.test(text));
      if (at >= 0) {
        this.#heard = at + 1;
        return this.messages[at];
      }
      await emulator.waitBotMessage();
    }
  }
}

const buttons = (message) => (message.reply_markup?.inline_keyboard ?? []).flat();

test("a delivery with another secret is refused", LIMIT, async () => {
  await register("somebody-else");
  // The emulator does not take a refusal well: what it would deliver is delivered by hand.
  const { url } = emulator.webhooks[TOKEN];
  const answer = await fetch(url, { method: "POST", body: JSON.stringify({ update_id: 1 }) });
  assert.equal(answer.status, 403);
  await register(SECRET);
});

test("a question is answered, a button is pressed, and each customer hears their own", LIMIT, async () => {
  const [ana, ben] = [new Customer(71), new Customer(72)];
  await ana.say("how much is the overdraft fee?");
  await ana.hears(/39\.9%/);
  await ben.say("I lost my card");
  await ben.hears(/customer number/);
  await ben.say("30552208");
  await ben.hears(/PIN/);
  await ben.say("2580");
  await ben.hears(/last 4 digits/);
  await ben.say("4812");
  let asked = await ben.hears(/Block the|stolen/);
  if (/stolen/.test(asked.text)) {
    await ben.say("lost");
    asked = await ben.hears(/Block the/);
  }
  const yes = buttons(asked).find(({ text }) => /^Yes/.test(text));
  assert.ok(yes, JSON.stringify(asked));
  assert.ok(Buffer.byteLength(yes.callback_data) <= 64, yes.callback_data);
  await ben.press(asked, yes);
  await ben.hears(/is blocked/);
  assert.ok(ana.messages.every(({ text }) => !/blocked|customer number/.test(text)));
  assert.equal(ben.messages.filter(({ text }) => /The card ending 4812 is blocked/.test(text)).length, 1);
  // Its answer to a delivery may come after what the bot says to it.
  assert.ok((await Promise.all(answers.slice(1))).every((status) => status === 200));
});
