// A customer and an agent, from the first question to the rating, against the real program.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as h from "./harness.mjs";
import { Chat, accessible, noProblems, picture } from "./harness.mjs";

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

/** The agent's page, signed in with the printed link the first time. */
let agentContext;

async function desk() {
  if (agentContext) {
    const tab = await h.inContext(agentContext);
    await tab.goto(`${program.url}/desk`);
    return tab;
  }
  const tab = await h.page(browser);
  agentContext = tab.context();
  await tab.goto(`${program.url}/desk#code=${program.code}`);
  await tab.getByText("Nobody is waiting.").waitFor();
  return tab;
}

test("balance, a corrected card, a fee with its source, a person, back to the bot, a rating", async () => {
  const agent = await desk();
  const tab = await h.page(browser);
  const chat = await Chat.open(tab, program.url);
  await picture(tab, "chat-greeting");
  await accessible(tab, "the chat");

  await chat.say("what's my balance?");
  await chat.hears(/current.*savings|which account/i);
  await chat.press("Current account");
  await chat.hears(/£\d/);
  await picture(tab, "chat-balance");

  await chat.say("I lost my card ending 7730");
  await chat.hears(/block/i);
  await picture(tab, "chat-confirm");
  await chat.say("sorry, it's 4821");
  const check = await chat.hears(/4821/);
  assert.match(check, /block/i);
  await chat.press("Yes");
  await chat.hears(/new card|replacement/i);
  await picture(tab, "chat-blocked");
  await chat.say("no thanks");

  await chat.say("how much is the overdraft fee?");
  await chat.hears(/overdraft/i);
  await chat.sees(/Source/);
  await picture(tab, "chat-article");

  await chat.say("this is ridiculous, let me talk to someone");
  await chat.sees(/waiting|queue|position/i);
  await picture(tab, "chat-waiting");

  const row = agent.getByRole("button", { name: /^Take/ });
  await row.waitFor();
  await picture(agent, "desk-queue");
  await row.click();
  await agent.getByRole("log", { name: "Transcript" }).getByText("how much is the overdraft fee?").waitFor();
  await agent.getByText("this is ridiculous, let me talk to someone").first().waitFor();
  await picture(agent, "desk-conversation");
  await accessible(agent, "the desk");
  await agent.locator("#reply-text").fill("Hello Alex, this is Sam. I can see your card is blocked.");
  await agent.locator("#reply-text").press("Enter");
  await chat.hears(/this is Sam/);

  // The bot is silent while a person has the conversation.
  await chat.say("what's my balance?");
  await agent.getByRole("log", { name: "Transcript" }).getByText("what's my balance?").last().waitFor();
  assert.match((await chat.transcript()).at(-1), /^customer: what's my balance\?/);
  await picture(tab, "chat-agent");

  await agent.getByRole("button", { name: "Return to bot" }).click();
  await agent.getByRole("button", { name: "Return", exact: true }).click();
  await chat.say("what are your fees abroad?");
  await chat.hears(/abroad/i);

  // Once more to a person, who ends it: then the bot asks how it was.
  await chat.say("I want to talk to a person");
  await agent.getByRole("button", { name: /^Take/ }).click();
  await agent.getByRole("button", { name: "Wrap up" }).click();
  const note = await agent.locator("#wrap-note").inputValue();
  assert.ok(note.length > 20, `the note is pre-filled: ${note}`);
  await picture(agent, "desk-wrap-up");
  await agent.getByRole("button", { name: "Finish" }).click();
  await chat.log.getByRole("group").last().getByRole("button").nth(4).click();
  await chat.hears(/thank/i);
  await picture(tab, "chat-rated");
  noProblems(tab, agent);
});

test("a reload and a killed server lose and double nothing", async () => {
  const tab = await h.page(browser);
  const chat = await Chat.open(tab, program.url);
  await chat.say("how long does a new card take to arrive?");
  await chat.hears(/day/i);
  const said = await chat.transcript();
  await tab.reload();
  await chat.hears(/day/i);
  assert.deepEqual(await chat.transcript(), said);

  await program.end();
  await chat.network("reconnecting");
  await chat.say("what does an overdraft cost?");
  await program.again();
  await chat.hears(/overdraft/i);
  const all = await chat.transcript();
  assert.deepEqual(all.slice(0, said.length), said);
  assert.equal(all.filter((line) => line === "customer: what does an overdraft cost?").length, 1);
  noProblems(tab);
});

test("a narrow phone in the dark", async () => {
  const options = { viewport: { width: 360, height: 640 }, colorScheme: "dark", hasTouch: true };
  const tab = await h.page(browser, options);
  const chat = await Chat.open(tab, program.url);
  await chat.say("I lost my card");
  await chat.hears(/card/i);
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(wide, false, "nothing sticks out sideways");
  await picture(tab, "phone-dark");
  await accessible(tab, "the chat on a phone");
  noProblems(tab);
});

test("Spanish is answered in Spanish", async () => {
  const tab = await h.page(browser, { locale: "es-ES" });
  const chat = await Chat.open(tab, program.url);
  await chat.say("¿cuál es mi saldo?");
  await chat.hears(/cuenta/i);
  await picture(tab, "chat-spanish");
  noProblems(tab);
});
