// The agents' desk: signing in, the queue, several conversations at once. Talks to /v1/desk only.
// Owns what the agent sees; the server decides who owns a conversation, this page only shows it.

import { $, apart, customerName, el, reasonTitle, spoken, waited } from "./desk-dom.js";
import { Api, Refused } from "./desk-net.js";
import { facts } from "./desk-facts.js";
import { wireInvite } from "./desk-invite.js";
import { Talk } from "./desk-talk.js";

const TOKEN = "bellhop:desk-token";
const TYPING_EVERY_MS = 3_000;
const TYPING_FADES_MS = 6_000;

const state = {
  api: null,
  me: null,
  talks: new Map(),
  current: null,
  waiting: new Map(),
  flows: [],
  queues: [],
  receivedMs: 0,
  stop: null,
  lastTypingMs: 0,
  typingTimer: 0,
};

const path = (id, end = "") => `/v1/desk/handoffs/${encodeURIComponent(id)}${end}`;

// ------------------------------------------------------------------ signing in

async function enter() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  // The code works once and must not stay in the address bar or the history.
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  if (code) {
    await signIn(code);
    return;
  }
  const token = sessionStorage.getItem(TOKEN);
  if (!token) {
    door("");
    return;
  }
  const api = new Api(token);
  try {
    const { agent, status } = await api.get("/v1/desk/me");
    open(api, agent, status !== "away");
  } catch (error) {
    door(error instanceof Refused ? "Your sign-in has expired. Use a new link." : unreachable());
  }
}

async function signIn(code) {
  try {
    const { token, agent } = await new Api("").post("/v1/desk/sign-in", { code });
    sessionStorage.setItem(TOKEN, token);
    open(new Api(token), agent, true);
  } catch (error) {
    const used = "This code is not valid. Each works once, so it may have been used already.";
    door(error instanceof Refused && error.status < 500 ? used : unreachable());
  }
}

const unreachable = () => "The server cannot be reached. Check the connection and try again.";

function door(reason) {
  state.stop?.abort();
  $("desk").hidden = true;
  $("door").hidden = false;
  $("door-reason").textContent = reason;
  $("door-code").focus();
}

function open(api, me, available) {
  if (me.role === "designer") {
    door("Designers take no customers, so there is no desk for them.");
    return;
  }
  state.api = api;
  state.me = me;
  state.stop?.abort();
  state.stop = new AbortController();
  state.talks.clear();
  show(null);
  $("door").hidden = true;
  $("desk").hidden = false;
  $("me").textContent = me.name;
  $("invite").hidden = me.role !== "admin";
  setAvailable(available).catch(() => {});
  api.follow(change, network, state.stop.signal);
}

function leave(reason) {
  sessionStorage.removeItem(TOKEN);
  door(reason);
}

/** Ends the session on the server, so that the token is of no use to whoever finds it. */
async function signOut() {
  const ended = state.api.post("/v1/desk/sign-out").then(() => "", () =>
    "Signed out on this computer. The server could not be reached: the session there ends by itself within 12 hours.");
  leave("");
  $("door-reason").textContent = await ended;
}

async function setAvailable(available) {
  await state.api.put("/v1/desk/status", { status: available ? "available" : "away" });
  $("available").setAttribute("aria-checked", String(available));
  $("available-text").textContent = available ? "Available" : "Away";
}

// ------------------------------------------------------------------ what changes

function network(now) {
  if (now === "signed-out") {
    leave("Your sign-in has expired. Use a new link.");
    return;
  }
  $("net").textContent = now === "online" ? "" : "Connection lost. Trying again…";
  if (now !== "online") return;
  refresh();
  for (const talk of state.talks.values()) load(talk);
}

function change(news) {
  if (news.type === "queue") refresh();
  const talk = state.talks.get(news.handoff_id);
  if (!talk) return;
  if (news.type === "more") loadNews(talk);
  if (news.type === "delivery") {
    talk.delivery(news);
    if (news.state === "failed") {
      announce(`A message to ${customerName(talk.row.customer)} was not delivered`);
    }
  }
  if (news.type !== "conversation") return;
  const { event } = news;
  if (event.type === "typing") {
    if (talk === state.current && event.from === "customer") customerTyping(event.on !== false);
    return;
  }
  if (talk.add(event)) heard(talk, event);
}

/** Something new is in a conversation. */
function heard(talk, event) {
  if (event.from !== "customer") return;
  if (talk === state.current) customerTyping(false);
  else {
    talk.unread += 1;
    announce(`New message from ${customerName(talk.row.customer)}`);
    renderMine();
  }
}

let refreshing = null;
let again = false;

/** Reads the queue; changes that come meanwhile are read once more, not each. */
async function refresh() {
  if (refreshing) {
    again = true;
    return;
  }
  refreshing = state.api.get("/v1/desk/queue");
  try {
    takeIn(await refreshing);
  } catch (error) {
    if (error instanceof Refused && error.status === 401) network("signed-out");
  } finally {
    refreshing = null;
  }
  if (again) {
    again = false;
    refresh();
  }
}

function takeIn({ waiting, mine, flows, queues }) {
  state.receivedMs = performance.now();
  state.flows = flows ?? state.flows;
  state.queues = queues ?? state.queues;
  const before = state.waiting;
  state.waiting = new Map(waiting.map((row) => [row.handoff_id, row]));
  for (const row of waiting) {
    if (before.size && before.has(row.handoff_id)) continue;
    announce(`${customerName(row.customer)} is waiting for ${row.queue_title ?? row.queue}`);
  }
  const ids = new Set(mine.map((row) => row.handoff_id));
  for (const row of mine) {
    const known = state.talks.get(row.handoff_id);
    if (known) known.row = row;
    else {
      const talk = begin(row);
      state.talks.set(talk.id, talk);
      load(talk);
    }
  }
  for (const talk of [...state.talks.values()]) {
    if (ids.has(talk.id)) continue;
    state.talks.delete(talk.id);
    if (state.current === talk) show(null);
  }
  renderMine();
  renderWaiting();
}

function begin(row) {
  const { api } = state;
  const file = (seq) => `/v1/handoffs/${encodeURIComponent(row.handoff_id)}/media/${seq}`;
  return new Talk(row, state.me, (seq) => api.file(file(seq)));
}

async function load(talk) {
  try {
    const fresh = talk.load(await state.api.get(path(talk.id)));
    if (state.current === talk) renderFacts(talk);
    return fresh;
  } catch (error) {
    // Not ours any more: the queue that is read next says so.
    if (error instanceof Refused && error.status !== 404) toast(error.message);
    return [];
  }
}

/** Reads what is new in a conversation; news that come meanwhile are read once more, not each. */
async function loadNews(talk) {
  talk.stale = true;
  if (talk.loading) return;
  talk.loading = true;
  while (talk.stale) {
    talk.stale = false;
    for (const event of await load(talk)) heard(talk, event);
  }
  talk.loading = false;
}

// ------------------------------------------------------------------ the left pane

/** Draws a list anew and leaves the keyboard on the button it was on. */
function redraw(list, items) {
  const held = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  list.replaceChildren(...items);
  if (held) list.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus();
}

function tags(row) {
  const parts = [row.queue_title ?? row.queue, row.channel, row.language, row.customer?.tier]
    .filter(Boolean).map((text) => el("span", { text }));
  const urgent = row.priority <= 1;
  parts.unshift(el("span", { class: urgent ? "urgent" : "", text: urgent
    ? `Priority ${row.priority}, urgent` : `Priority ${row.priority}` }));
  return el("div", { class: "tags" }, ...parts);
}

function renderWaiting() {
  const rows = [...state.waiting.values()];
  redraw($("waiting"), rows.map((row) => {
    const name = customerName(row.customer);
    return el("li", { "data-urgent": String(row.priority <= 1), "data-id": row.handoff_id },
      el("div", { class: "card-top" }, el("strong", { text: name }),
        el("span", { class: "waited", "data-waited": row.waited_s, text: waited(row.waited_s) })),
      el("p", { class: "card-issue", text: [reasonTitle(row.reason?.code), row.issue && apart(row.issue)]
        .filter(Boolean).join(" · ") }),
      tags(row),
      el("button", { type: "button", class: "primary take", "data-key": row.handoff_id,
        "aria-label": `Take ${name}`, text: "Take", onclick: (event) => take(row, event.target) }));
  }));
  $("waiting-none").hidden = rows.length > 0;
  $("count-waiting").hidden = rows.length === 0;
  $("count-waiting").textContent = rows.length;
  document.title = rows.length ? `(${rows.length}) Desk · Bellhop` : "Desk · Bellhop";
}

function renderMine() {
  const talks = [...state.talks.values()];
  redraw($("mine"), talks.map((talk) => {
    const { row, unread } = talk;
    const current = talk === state.current;
    const count = unread ? el("span", { class: "count" }, String(unread),
      el("span", { class: "sr", text: " new messages" })) : null;
    return el("li", { "data-current": String(current), "data-id": talk.id },
      el("div", { class: "card-top" },
        el("button", { type: "button", class: "card-open", "data-key": talk.id,
          "aria-current": current ? "true" : null, text: customerName(row.customer),
          onclick: () => show(talk) }), count),
      el("p", { class: "card-issue", text: row.issue || reasonTitle(row.reason?.code) }),
      tags(row));
  }));
  $("mine-none").hidden = talks.length > 0;
}

async function take(row, button) {
  button.disabled = true;
  try {
    await state.api.post(path(row.handoff_id, "/accept"));
    const talk = state.talks.get(row.handoff_id) ?? begin(row);
    state.talks.set(talk.id, talk);
    state.waiting.delete(row.handoff_id);
    await load(talk);
    show(talk);
    renderWaiting();
  } catch (error) {
    toast(problemText(error));
    if (error instanceof Refused && error.status === 409) refresh();
    button.disabled = false;
  }
}

const problemText = (error) => (error instanceof Refused ? error.message : unreachable());

// ------------------------------------------------------------------ the middle pane

function view(name) {
  $("desk").dataset.view = name;
  for (const button of document.querySelectorAll(".views button")) {
    button.setAttribute("aria-current", String(button.dataset.view === name));
  }
}

function show(talk) {
  const reply = $("reply-text");
  if (state.current) {
    state.current.draft = { text: reply.value, mode: mode() };
    state.current.detach();
  }
  state.current = talk;
  customerTyping(false);
  $("reply-problem").textContent = "";
  $("talk-none").hidden = talk !== null;
  $("talk-open").hidden = talk === null;
  $("facts-none").hidden = talk !== null;
  $("facts").replaceChildren();
  view(talk ? "talk" : "queue");
  if (!talk) {
    renderMine();
    return;
  }
  $("toast").hidden = true;
  talk.unread = 0;
  const { row } = talk;
  $("talk-title").textContent = customerName(row.customer);
  $("talk-sub").textContent = [row.queue_title ?? row.queue, row.channel, row.language]
    .filter(Boolean).join(" · ");
  talk.attach($("log"));
  reply.value = talk.draft.text;
  setMode(talk.draft.mode);
  if (talk.envelope) renderFacts(talk);
  renderMine();
  reply.focus();
}

function renderFacts(talk) {
  $("facts").replaceChildren(...facts(talk, (text) => {
    setMode("reply");
    const reply = $("reply-text");
    reply.value = reply.value.trim() ? `${reply.value.trimEnd()}\n${text}` : text;
    view("talk");
    reply.focus();
  }));
}

const mode = () => document.querySelector("input[name=mode]:checked").value;

function setMode(name) {
  document.querySelector(`input[name=mode][value=${name}]`).checked = true;
  const note = name === "note";
  $("reply").dataset.mode = name;
  $("reply-label").textContent = note ? "Internal note" : "Reply to the customer";
  $("reply-text").placeholder = note ? "Only colleagues see this."
    : "Write to the customer. Enter sends, Shift+Enter starts a line.";
  $("reply-send").textContent = note ? "Keep note" : "Send";
}

async function submit() {
  const talk = state.current;
  const field = $("reply-text");
  const text = field.value.trim();
  if (!talk || !text) return;
  $("reply-problem").textContent = "";
  field.value = "";
  try {
    if (mode() === "note") {
      await state.api.post(path(talk.id, "/note"), { text });
      talk.noteWritten(text);
    } else {
      await say(talk, text);
    }
  } catch (error) {
    // What was written comes back into the field that it came from.
    if (state.current === talk) {
      field.value = field.value ? `${text}\n${field.value}` : text;
      $("reply-problem").textContent = problemText(error);
    } else {
      talk.draft.text = text;
    }
  }
}

/** Sends a reply; tries again under the same id, so that it is said once. */
async function say(talk, text) {
  const id = crypto.randomUUID();
  talk.sending(id, text);
  for (let attempt = 0; ; attempt += 1) {
    try {
      await state.api.post(path(talk.id, "/reply"), { client_msg_id: id, text });
      return;
    } catch (error) {
      if (error instanceof Refused && error.status < 500 || attempt === 6) {
        talk.unsent(id);
        throw error;
      }
      await new Promise((resolve) => {
        setTimeout(resolve, 400 * 2 ** attempt);
        window.addEventListener("online", resolve, { once: true });
      });
    }
  }
}

function customerTyping(on) {
  clearTimeout(state.typingTimer);
  $("typing").textContent = on ? "The customer is typing…" : "";
  if (on) state.typingTimer = setTimeout(() => customerTyping(false), TYPING_FADES_MS);
}

// ------------------------------------------------------------------ ending a stretch

const DIALOGS = {
  return: {
    prepare() {
      const options = state.flows.map(({ id, title }) =>
        el("option", { value: id, text: title ?? spoken(id) }));
      $("return-flow").replaceChildren(
        el("option", { value: "", text: "What they were doing, or nothing" }), ...options);
    },
    send: (talk) => state.api.post(path(talk.id, "/return"),
      $("return-flow").value ? { flow: $("return-flow").value } : {}),
    done: "Returned to the bot",
  },
  transfer: {
    prepare(talk) {
      const others = state.queues.filter(({ name }) => name !== talk.row.queue);
      $("transfer-queue").replaceChildren(...others.map(({ name, title }) =>
        el("option", { value: name, text: title ?? spoken(name) })));
      $("transfer-note").value = "";
    },
    send: (talk) => state.api.post(path(talk.id, "/transfer"),
      { queue: $("transfer-queue").value, note: $("transfer-note").value.trim() }),
    done: "Transferred",
  },
  wrap: {
    prepare(talk) {
      $("wrap-note").value = talk.wrapUpDraft;
      $("wrap-resolved").checked = true;
    },
    send: (talk) => state.api.post(path(talk.id, "/wrap-up"),
      { note: $("wrap-note").value.trim(), resolved: $("wrap-resolved").checked }),
    done: "Wrapped up",
  },
};

async function ask(name) {
  const talk = state.current;
  if (!talk) return;
  const dialog = $(`dialog-${name}`);
  // The draft of the note follows the conversation, so it is read when it is needed.
  if (name === "wrap") await load(talk);
  DIALOGS[name].prepare(talk);
  dialog.querySelector(".problem").textContent = "";
  dialog.dataset.talk = talk.id;
  dialog.showModal();
}

/** Does what the dialog is for; a refusal is shown in it, with everything typed still there. */
async function confirm(name) {
  const dialog = $(`dialog-${name}`);
  const talk = state.talks.get(dialog.dataset.talk);
  const submit = dialog.querySelector("[type=submit]");
  if (!talk || submit.disabled) return;
  submit.disabled = true;
  try {
    await DIALOGS[name].send(talk);
    dialog.close();
    toast(DIALOGS[name].done);
    state.talks.delete(talk.id);
    if (state.current === talk) {
      $("reply-text").value = "";
      show(null);
    }
    renderMine();
    refresh();
  } catch (error) {
    dialog.querySelector(".problem").textContent = problemText(error);
  } finally {
    submit.disabled = false;
  }
}

// ------------------------------------------------------------------ telling the agent

function announce(text) {
  $("announce").textContent = text;
}

let toastTimer = 0;

function toast(text) {
  clearTimeout(toastTimer);
  $("toast").textContent = text;
  $("toast").hidden = false;
  toastTimer = setTimeout(() => {
    $("toast").hidden = true;
  }, 6_000);
}

// ------------------------------------------------------------------ the page's own wiring

function wire() {
  $("door-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = $("door-code").value.trim();
    signIn(typed.includes("code=") ? typed.split("code=").at(-1) : typed);
  });
  $("available").addEventListener("click", () => {
    const now = $("available").getAttribute("aria-checked") !== "true";
    setAvailable(now).catch((error) => toast(problemText(error)));
  });
  $("leave").addEventListener("click", signOut);
  for (const button of document.querySelectorAll(".views button")) {
    button.addEventListener("click", () => view(button.dataset.view));
  }
  for (const radio of document.querySelectorAll("input[name=mode]")) {
    radio.addEventListener("change", () => setMode(radio.value));
  }
  $("reply").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  $("reply-text").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  $("reply-text").addEventListener("input", () => {
    const nowMs = performance.now();
    if (!state.current || mode() === "note" || nowMs - state.lastTypingMs < TYPING_EVERY_MS) return;
    state.lastTypingMs = nowMs;
    state.api.post(path(state.current.id, "/typing")).catch(() => {});
  });
  for (const button of document.querySelectorAll("[data-dialog]")) {
    button.addEventListener("click", () => ask(button.dataset.dialog));
  }
  for (const name of Object.keys(DIALOGS)) {
    const dialog = $(`dialog-${name}`);
    dialog.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
    dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      confirm(name);
    });
  }
  wireInvite(async (name, role) => {
    const { path: link } = await state.api.post("/v1/desk/invites", { name, role });
    return link;
  }, problemText);
  // Alt with the arrows walks through one's own conversations.
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    const talks = [...state.talks.values()];
    if (!talks.length) return;
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    const at = talks.indexOf(state.current);
    show(talks[(at + step + talks.length) % talks.length]);
  });
  window.addEventListener("hashchange", enter);
  setInterval(() => {
    const passedS = (performance.now() - state.receivedMs) / 1000;
    for (const span of document.querySelectorAll("[data-waited]")) {
      const text = waited(Number(span.dataset.waited) + passedS);
      if (span.textContent !== text) span.textContent = text;
    }
  }, 5_000);
  view("queue");
}

wire();
enter();
