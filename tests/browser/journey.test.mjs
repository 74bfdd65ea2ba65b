// A customer and an agent, from the first question to the rating, against the real program.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as h from "./harness.mjs";
import { Chat, Desk, accessible, noProblems, picture } from "./harness.mjs";

const GREETING = /I'm a bot/;
const BALANCE = /current account ending 4417 holds £1,284\.36/;
const OVERDRAFT = /arranged overdraft costs 39\.9% EAR/;

let browser;
let program;
let desk;

before(async () => {
  browser = await h.browser();
  program = await h.program();
  desk = await Desk.open(await h.page(browser, { viewport: { width: 1360, height: 860 } }), program);
});

after(async () => {
  await browser?.close();
  await program?.stop();
});

test("a balance, a corrected card, a fee with its source, a person, the bot again, a rating", async () => {
  const tab = await h.page(browser);
  const chat = await Chat.open(tab, program.url);
  await picture(tab, "chat-greeting");

  await chat.say("what's my balance?");
  await chat.hears(BALANCE);
  await picture(tab, "chat-balance");

  await chat.say("I lost my card ending 4812");
  await chat.hears(/Block the debit card ending 4812\?/);
  await picture(tab, "chat-confirm");
  await chat.say("sorry, I meant 4821");
  await chat.hears(/Block the debit card ending 4821\?/);
  await chat.press("Yes, block it");
  await chat.hears(/Shall I send a new card/);
  const [done] = (await chat.transcript()).filter((line) => /is blocked/.test(line));
  assert.match(done, /^bot: Done\. The card ending 4821 is blocked.* reference is BL-\d+/);
  await picture(tab, "chat-blocked");
  await chat.say("no thanks");
  await chat.hears(/Fine\. When you want one/);

  await chat.say("how much is the overdraft fee?");
  await chat.hears(OVERDRAFT);
  const source = chat.log.getByRole("link", { name: /Overdrafts: what they cost/ });
  await source.waitFor();
  const [article] = await Promise.all([tab.context().waitForEvent("page"), source.click()]);
  await article.getByRole("heading", { name: "Change or remove it" }).waitFor();
  await picture(article, "article");
  await accessible(article, "an article");
  await article.close();
  await picture(tab, "chat-article");

  await chat.say("this is ridiculous, let me talk to someone");
  await chat.sees("You are in line for the customer team");
  await chat.sees("You are next in line");
  await picture(tab, "chat-waiting");
  await accessible(tab, "the chat");

  await desk.waiting("Alex Morgan");
  await picture(desk.tab, "desk-queue");
  await accessible(desk.tab, "the queue");
  await desk.take("Alex Morgan");
  for (const said of ["what's my balance?", "sorry, I meant 4821", "how much is the overdraft fee?",
    "this is ridiculous, let me talk to someone"]) {
    await desk.reads(said);
  }
  await desk.details.getByText("Asked for a person", { exact: true }).waitFor();
  const blocked = desk.details.getByRole("heading", { name: /lost or stolen card · done/i });
  await blocked.waitFor();
  await desk.details.getByText("✓ confirmed by the customer").waitFor();
  await picture(desk.tab, "desk-conversation");
  await blocked.evaluate((heading) => heading.scrollIntoView());
  await picture(desk.tab, "desk-ended");
  await accessible(desk.tab, "a conversation at the desk");

  await chat.sees("Operator, a person, is with you");
  await desk.say("Hello Alex, I can see that your card is blocked.");
  await chat.hears("Hello Alex, I can see that your card is blocked.");

  // The bot is silent while a person has the conversation.
  await chat.say("what's my balance?");
  await desk.reads("what's my balance?", 2);
  await desk.say("You have £1,284.36.");
  await chat.hears("You have £1,284.36.");
  const lines = await chat.transcript();
  assert.deepEqual(lines.slice(-3), ["agent: Hello Alex, I can see that your card is blocked.",
    "customer: what's my balance?", "agent: You have £1,284.36."]);
  await picture(tab, "chat-agent");

  await desk.back();
  await chat.sees("Automated assistant");
  await chat.say("what's my balance?");
  await chat.hears(BALANCE);

  // Once more to a person, who ends it: then the bot asks how it was.
  await chat.press(/Talk to a person/, tab);
  await desk.take("Alex Morgan");
  const note = await desk.wrapUp();
  assert.match(note, /\w+ \w+ \w+/, `the note is begun: ${note}`);
  await chat.hears(/1 to 5|how did/i);
  await picture(tab, "chat-rating");
  await chat.press(/^4/);
  await chat.hears(/thank/i);
  await picture(tab, "chat-rated");
  noProblems(tab, desk.tab);
  await tab.context().close();
});

test("the desk shows what a flow has collected, by flow, and never the PIN", async () => {
  const tab = await h.page(browser);
  // A visitor whom the site has not signed in: the bot asks who it is.
  await tab.route(`${program.url}/`, async (route) => {
    const page = await (await route.fetch()).text();
    const body = page.replace(/(<bellhop-chat) token="[^"]*"/, "$1");
    assert.notEqual(body, page);
    await route.fulfill({ body, contentType: "text/html" });
  });
  const chat = await Chat.open(tab, program.url);
  await chat.say("I lost my card");
  await chat.hears(/customer number/);
  await chat.say("30552208");
  await chat.hears(/PIN/);
  await chat.say("2580");
  await chat.hears(/last 4 digits/);
  await chat.say("4812");
  // The first message may have told it already.
  if (/stolen/.test(await chat.hears(/Block the|stolen/))) await chat.say("lost");
  await chat.hears(/Block the/);
  await chat.press(/Talk to a person/, tab);
  await chat.sees("You are in line");

  await desk.take("Somebody not signed in");
  const known = desk.details.locator("section", { hasText: "What is known" });
  await known.getByRole("heading", { name: /lost or stolen card/i }).waitFor();
  const rows = await known.locator("dt").evaluateAll((terms) =>
    terms.map((term) => [term.textContent, term.nextElementSibling.firstChild.textContent]));
  const values = Object.fromEntries(rows);
  assert.equal(values["Card number"], "4812");
  assert.equal(values["What happened"], "lost");
  assert.equal(values["Customer number"], "30552208");
  assert.equal(values.PIN, "••••");
  await desk.details.getByText(/card number: 4812.*customer number: 30552208.*PIN given/).waitFor();
  const pane = await desk.details.innerText();
  assert.doesNotMatch(pane, /2580/, "the PIN is nowhere in the details");
  await known.locator("dt").last().scrollIntoViewIfNeeded();
  await picture(desk.tab, "desk-collected");
  await accessible(desk.tab, "what was collected");
  await desk.wrapUp();
  noProblems(tab, desk.tab);
  await tab.context().close();
});

test("a reload in the middle of things loses nothing", async () => {
  const tab = await h.page(browser);
  const chat = await Chat.open(tab, program.url);
  await chat.say("I lost my card ending 9034");
  await chat.hears(/Block the credit card ending 9034\?/);
  const said = await chat.transcript();
  await tab.reload();
  await chat.show();
  await chat.hears(/Block the credit card ending 9034\?/);
  assert.deepEqual(await chat.transcript(), said);
  await chat.press("Yes, block it");
  await chat.hears(/Shall I send a new card/);
  const blocked = (await chat.transcript()).filter((line) => /is blocked/.test(line));
  assert.equal(blocked.length, 1);
  noProblems(tab);
  await tab.context().close();
});

test("a second tab shows the same conversation, as it goes on", async () => {
  const tab = await h.page(browser);
  const chat = await Chat.open(tab, program.url);
  const other = await h.inContext(tab.context());
  await other.goto(program.url);
  const there = new Chat(other);
  await there.show();
  await there.hears(GREETING);
  await chat.say("what's my balance?");
  await there.hears(BALANCE);
  await there.say("how much is the overdraft fee?");
  await chat.hears(OVERDRAFT);
  assert.deepEqual(await there.transcript(), await chat.transcript());
  noProblems(tab, other);
  await tab.context().close();
});

test("a killed server loses and doubles nothing, with the bot", async () => {
  const tab = await h.page(browser);
  const chat = await Chat.open(tab, program.url);
  await chat.say("I lost my card ending 4812");
  await chat.hears(/Block the debit card ending 4812\?/);
  const said = await chat.transcript();
  await program.end();
  await chat.network("reconnecting");
  await chat.say("yes");
  await picture(tab, "chat-reconnecting");
  await program.again();
  await chat.hears(/Shall I send a new card/);
  await chat.network("online");
  const all = await chat.transcript();
  assert.deepEqual(all.slice(0, said.length), said);
  assert.equal(all.filter((line) => line === "customer: yes").length, 1);
  assert.equal(all.filter((line) => /The card ending 4812 is blocked/.test(line)).length, 1);
  noProblems(tab);
  await tab.context().close();
});

test("a killed server loses and doubles nothing, with a person", async () => {
  const tab = await h.page(browser);
  const chat = await Chat.open(tab, program.url);
  await chat.say("I want to talk to a person");
  await desk.take("Alex Morgan");
  await desk.say("Hello, how can I help?");
  await chat.hears("Hello, how can I help?");
  await program.end();
  await chat.network("reconnecting");
  await chat.say("my parcel of new cards is lost");
  await desk.say("One moment, please.");
  await program.again();
  await chat.hears("One moment, please.");
  await desk.reads("my parcel of new cards is lost");
  const count = async (text) =>
    (await chat.transcript()).filter((line) => line.includes(text)).length;
  assert.equal(await count("my parcel of new cards is lost"), 1);
  assert.equal(await count("One moment, please."), 1);
  await desk.wrapUp();
  await chat.hears(/1 to 5|how did/i);
  noProblems(tab, desk.tab);
  await tab.context().close();
});

test("two at the desk: one takes, notes stay inside, a transfer goes to the other", async () => {
  const link = await desk.invite("Sam");
  const sam = await Desk.open(await h.page(browser, { viewport: { width: 1360, height: 860 } }),
    { link });
  assert.equal(await sam.tab.getByRole("button", { name: "Invite" }).count(), 0);
  const tab = await h.page(browser);
  const chat = await Chat.open(tab, program.url);
  await chat.say("I want to talk to a person");
  await sam.waiting("Alex Morgan");
  await desk.waiting("Alex Morgan");

  // Sam's page hears late that it is taken, and tries to take it as well.
  let hear;
  const late = new Promise((resolve) => {
    hear = resolve;
  });
  await sam.tab.route("**/v1/desk/queue", (route) => late.then(() => route.continue()));
  await desk.take("Alex Morgan");
  await sam.taking("Alex Morgan").click();
  await sam.tab.getByText("Operator already has this conversation").waitFor();
  hear();
  await sam.tab.unrouteAll({ behavior: "wait" });
  await sam.tab.getByText("Nobody is waiting.").waitFor();

  await desk.note("Has been a customer for thirty years.");
  await desk.say("Let me get somebody for you.");
  await chat.hears("Let me get somebody for you.");
  await desk.transfer("the complaints team", "Please look at this again.");
  await chat.sees("You are in line for the complaints team");
  await sam.take("Alex Morgan");
  await sam.log.getByText("Has been a customer for thirty years.").waitFor();
  await sam.log.getByText("Please look at this again.").waitFor();
  await picture(sam.tab, "desk-transferred");
  await accessible(sam.tab, "a conversation with notes");
  await sam.say("Sam here, hello.");
  await chat.hears("Sam here, hello.");
  const all = (await chat.transcript()).join("\n");
  assert.doesNotMatch(all, /thirty years|look at this again/);
  await sam.wrapUp();
  noProblems(tab, sam.tab, desk.tab);
  await sam.tab.context().close();
  await tab.context().close();
});

test("whoever types sees nothing of it; the other side does", async () => {
  const tab = await h.page(browser);
  const chat = await Chat.open(tab, program.url);
  const bar = tab.locator("bellhop-chat .typing");
  await chat.say("I want to talk to a person");
  await chat.sees("You are next in line");
  await desk.take("Alex Morgan");
  await chat.sees("Operator, a person, is with you");
  // Slowly: the desk may follow the conversation a moment later than the customer is told.
  await Promise.all([chat.field.pressSequentially("hello, is anybody there?", { delay: 200 }),
    desk.tab.getByText("The customer is typing…").waitFor()]);
  assert.equal(await bar.isVisible(), false, "not one's own");
  await desk.reply.pressSequentially("One mo");
  await bar.filter({ hasText: "Operator is typing" }).waitFor();
  await picture(tab, "chat-agent-typing");
  await desk.say("One moment.");
  await chat.hears("One moment.");
  await bar.waitFor({ state: "hidden" });
  await desk.wrapUp();
  noProblems(tab, desk.tab);
  await tab.context().close();
});

for (const [name, options] of [["wide", {}], ["narrow", { viewport: { width: 360, height: 640 } }]]) {
  test(`a table of an article can be read in a bubble, on a ${name} screen`, async () => {
    const tab = await h.page(browser, options);
    const chat = await Chat.open(tab, program.url);
    for (const [at, [asked, row]] of [
      ["how much does a current account cost?", /^Card payments abroad\s+2\.75%\s+free\s+free$/],
      ["what interest do your savings accounts pay?", /^Cash ISA\s+3\.60% variable\s+any time, tax free$/],
    ].entries()) {
      await chat.say(asked);
      const table = chat.log.getByRole("table").nth(at);
      await table.getByRole("row", { name: row }).waitFor();
      const wide = await table.evaluate((node) => node.scrollWidth - node.parentElement.clientWidth);
      assert.ok(wide <= 0, `${asked}: ${wide} px stick out`);
      await picture(tab, `table-${name}-${at}`);
    }
    await accessible(tab, "a table in the chat");
    noProblems(tab);
    await tab.context().close();
  });
}

test("a narrow phone in the dark", async () => {
  const options = { viewport: { width: 360, height: 640 }, colorScheme: "dark", hasTouch: true };
  const tab = await h.page(browser, options);
  const chat = await Chat.open(tab, program.url);
  await picture(tab, "phone-dark-greeting");
  await chat.say("how much is the overdraft fee?");
  await chat.hears(OVERDRAFT);
  await chat.say("I lost my card");
  await chat.hears(/last 4 digits/);
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(wide, false, "nothing sticks out sideways");
  await picture(tab, "phone-dark");
  await accessible(tab, "the chat on a phone");
  noProblems(tab);
  await tab.context().close();
});

test("Spanish is answered in Spanish, once the customer writes it", async () => {
  const tab = await h.page(browser, { locale: "es-ES" });
  const chat = await Chat.open(tab, program.url);
  await chat.say("¿cuál es mi saldo?");
  await chat.hears(/cuenta corriente terminada en 4417/);
  const last = chat.log.locator(".msg[data-from=bot]").last();
  assert.equal(await last.locator("[lang]").first().getAttribute("lang"), "es");
  await chat.say("¿cuánto cuesta el descubierto?");
  await chat.hears(/39,9 %/);
  await picture(tab, "chat-spanish");
  noProblems(tab);
  await tab.context().close();
});

test("everything works from the keyboard alone, for both sides", async () => {
  const tab = await h.page(browser);
  await tab.goto(program.url);
  const chat = new Chat(tab);
  await h.tabTo(tab, tab.getByRole("button", { name: /^Open chat/ }));
  await tab.keyboard.press("Enter");
  await chat.hears(GREETING);
  await h.focused(chat.field);
  await tab.keyboard.type("what's my balance?");
  await tab.keyboard.press("Enter");
  await chat.hears(BALANCE);
  await h.focused(chat.field);
  await h.tabTo(tab, tab.getByRole("button", { name: "Talk to a person" }));
  await tab.keyboard.press("Enter");
  await chat.sees("You are next in line");

  const agent = desk.tab;
  await desk.waiting("Alex Morgan");
  await h.tabTo(agent, desk.taking("Alex Morgan"));
  await agent.keyboard.press("Enter");
  await h.focused(desk.reply);
  await agent.keyboard.type("Typed, not clicked.");
  await agent.keyboard.press("Enter");
  await chat.hears("Typed, not clicked.");
  await h.tabTo(agent, agent.getByRole("button", { name: "Wrap up" }));
  await agent.keyboard.press("Enter");
  const finish = agent.getByRole("button", { name: "Finish" });
  await finish.waitFor();
  await accessible(agent, "the wrap-up");
  await h.tabTo(agent, finish);
  await agent.keyboard.press("Enter");
  await h.tabTo(tab, chat.log.getByRole("button", { name: /^5/ }));
  await tab.keyboard.press("Enter");
  await chat.hears(/thank/i);
  await tab.keyboard.press("Escape");
  await h.focused(tab.getByRole("button", { name: /^Open chat/ }));
  noProblems(tab, agent);
  await tab.context().close();
});

test("the desk on a phone, and in the dark", async () => {
  const tab = await h.page(browser);
  const chat = await Chat.open(tab, program.url);
  await chat.say("I want to talk to a person");
  const agent = desk.tab;
  await desk.waiting("Alex Morgan");
  await agent.emulateMedia({ colorScheme: "dark" });
  await agent.setViewportSize({ width: 360, height: 740 });
  await agent.getByRole("button", { name: /^Queue/ }).click();
  await picture(agent, "desk-phone-queue");
  await desk.take("Alex Morgan");
  await desk.say("Hello from a phone.");
  await chat.hears("Hello from a phone.");
  const wide = await agent.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(wide, false, "nothing sticks out sideways");
  await picture(agent, "desk-phone-conversation");
  await accessible(agent, "the desk on a phone in the dark");
  await agent.setViewportSize({ width: 1360, height: 860 });
  await picture(agent, "desk-dark");
  await desk.wrapUp();
  await agent.emulateMedia({ colorScheme: "light" });
  noProblems(tab, agent);
  await tab.context().close();
});

test("signing out ends the session on the server and gives the customer to others", async () => {
  const link = await desk.invite("Kim");
  const kim = await Desk.open(await h.page(browser, { viewport: { width: 1360, height: 860 } }),
    { link });
  const tab = await h.page(browser);
  const chat = await Chat.open(tab, program.url);
  await chat.say("I want to talk to a person");
  await kim.take("Alex Morgan");
  await desk.tab.getByText("Nobody is waiting.").waitFor();
  const token = await kim.tab.evaluate(() => Object.values(sessionStorage)[0]);
  const me = () => fetch(`${program.url}/v1/desk/me`,
    { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await me()).status, 200);
  await kim.tab.getByRole("button", { name: "Sign out" }).click();
  await kim.tab.getByRole("button", { name: "Sign in" }).waitFor();
  await desk.waiting("Alex Morgan");
  assert.equal((await me()).status, 401);
  noProblems(tab, kim.tab);
  await kim.tab.context().close();
  await tab.context().close();
});
