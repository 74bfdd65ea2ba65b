// The middle pane: one conversation's transcript, with notes in between, and what is being sent.

import { apart, clock, el } from "./desk-dom.js";
import { Files } from "./desk-files.js";

const LINES = {
  queued: (event) => `Waiting for ${apart(event.queue_title ?? "a person")}`,
  assigned: (event) => `${apart(event.agent ?? "An agent")} joined`,
  returned: () => "Returned to the bot",
  cancelled: () => "The customer stopped waiting",
  closed: () => "Wrapped up",
};

/** What the buttons that work everywhere say, where the bot gives them no title. */
const GLOBAL = {
  "/human": "Talk to a person",
  "/cancel": "Stop",
  "/back": "Back",
  "/repeat": "Repeat",
  "/start_over": "Start over",
};

/** How a message of ours can stand, the furthest first: a sign, and what it says. */
const STANDS = {
  failed: ["!", "Not delivered"],
  read: ["✓✓", "Read"],
  delivered: ["✓✓", "Delivered"],
  sent: ["✓", "Sent"],
  waiting: ["…", "Not sent yet"],
};

/** Somebody wrote it in the provider's own inbox: it was there before we knew of it. */
const isEcho = (event) => event.client_msg_id?.startsWith("echo/") ?? false;

/**
 * An item of a handoff's transcript as the event that it was made from. Both are known by their
 * place in the journal, so that what is loaded and what comes live is shown once.
 */
function wire({ at, from, type, text, meta = {} }) {
  const seq = Number(meta.journal_seq);
  if (type === "event") {
    const state = text.replace(/^handoff /, "");
    if (state === "closed" && !meta.handoff) return { type: "closed", seq, at };
    return { type: "handoff", seq, at, state, queue: meta.queue, agent: meta.agent };
  }
  const source = meta.article && { article: meta.article, title: meta.article_title };
  const links = meta.link ? [{ url: meta.link, title: meta.link_title }] : [];
  return { type: "message", seq, at, from, text, source, links, agent: meta.agent,
    file: meta.file, client_msg_id: meta.client_msg_id };
}

/** One conversation that this agent has, or had, open. */
export class Talk {
  unread = 0;
  /** It is being read, and has to be read once more. */
  loading = false;
  stale = false;
  draft = { text: "", mode: "reply" };
  envelope = null;
  suggested = "";
  wrapUpDraft = "";
  #entries = new Map();
  #log = null;
  #me;
  /** Seq up to which messages are sent, delivered and read; absent on channels that tell nothing. */
  #reached = null;
  #failed = new Map();
  #ticks = new Map();
  #files;

  /** `fetchFile` gives the file of the message at a seq, as `Api.file` does. */
  constructor(row, me, fetchFile) {
    this.row = row;
    this.id = row.handoff_id;
    this.#me = me;
    this.#files = new Files(fetchFile);
  }

  /** Takes in the whole record; what is already there stays as it is. Gives the events that are news. */
  load({ envelope, transcript, suggested_reply: suggested, wrap_up_draft: draft }) {
    this.envelope = envelope;
    this.suggested = suggested ?? "";
    this.wrapUpDraft = draft ?? "";
    const { items = [] } = transcript ?? envelope.transcript ?? {};
    for (const { meta = {} } of items) {
      const { journal_seq: seq, delivery: state, delivery_reason: reason } = meta;
      if (state) this.#stands(Number(seq), state, reason);
    }
    const fresh = items.map(wire).filter((event) => this.add(event));
    (envelope.notes_internal ?? []).forEach((note, at) => this.#note(note, at));
    this.#redrawTicks();
    return fresh;
  }

  /** News of a message of ours. They overtake each other: what is known to be further stays so. */
  delivery({ seq, state, reason }) {
    this.#stands(seq, state, reason);
    this.#redrawTicks();
  }

  #stands(seq, state, reason) {
    this.#reached ??= {};
    if (state === "failed") this.#failed.set(seq, reason ?? "");
    else this.#reached[state] = Math.max(this.#reached[state] ?? 0, seq);
  }

  #redrawTicks() {
    if (!this.#reached) return;
    for (const [seq, tick] of this.#ticks) {
      const state = this.#failed.has(seq) ? "failed"
        : ["read", "delivered", "sent"].find((name) => seq <= (this.#reached[name] ?? 0)) ?? "waiting";
      if (tick.dataset.state === state) continue;
      const [sign, says] = STANDS[state];
      const reason = state === "failed" && this.#failed.get(seq);
      tick.dataset.state = state;
      tick.hidden = false;
      tick.replaceChildren(el("span", { "aria-hidden": "true", text: `${sign} ` }),
        el("span", { text: reason ? `${says}: ${reason}` : says }));
    }
  }

  /** Adds one stored event; true when it is news. */
  add(event) {
    const key = `seq:${event.seq}`;
    if (this.#entries.has(key)) return false;
    const sent = event.client_msg_id && this.#entries.get(`out:${event.client_msg_id}`);
    if (sent) {
      this.#entries.delete(`out:${event.client_msg_id}`);
      sent.node?.remove();
    }
    this.#put(key, { at: event.at, seq: event.seq, make: () => this.#event(event) });
    return true;
  }

  #note(note, at) {
    const text = note.text ?? String(note);
    const key = `note:${at}:${text}`;
    // A note that we wrote is shown at once, and comes again with the record.
    for (const [known, entry] of this.#entries) {
      if (entry.note !== text || !known.startsWith("mynote:")) continue;
      this.#entries.delete(known);
      entry.node?.remove();
    }
    if (this.#entries.has(key)) return;
    const by = note.agent ?? note.by ?? note.author ?? "";
    this.#put(key, { at: note.at ?? this.envelope.created_at, seq: Infinity,
      make: () => bubble("note", `Internal note${by ? `, ${apart(by)}` : ""}`, text, note.at) });
  }

  noteWritten(text) {
    const at = new Date().toISOString();
    this.#put(`mynote:${at}`, { at, seq: Infinity, note: text,
      make: () => bubble("note", `Internal note, ${apart(this.#me.name)}`, text, at) });
  }

  sending(id, text) {
    const at = new Date().toISOString();
    const make = () => {
      const node = bubble("agent", `You, sending`, text, at);
      node.dataset.state = "sending";
      return node;
    };
    this.#put(`out:${id}`, { at: "9999", seq: Infinity, make });
  }

  unsent(id) {
    this.#entries.get(`out:${id}`)?.node?.remove();
    this.#entries.delete(`out:${id}`);
  }

  /** The events of this conversation have a place on the page from now on. */
  attach(log) {
    this.#log = log;
    log.setAttribute("aria-live", "off");
    log.replaceChildren();
    this.#ticks.clear();
    const sorted = [...this.#entries.values()].sort(order);
    for (const entry of sorted) {
      entry.node = entry.make();
      log.append(entry.node);
    }
    this.#redrawTicks();
    log.scrollTop = log.scrollHeight;
    requestAnimationFrame(() => log.setAttribute("aria-live", "polite"));
  }

  detach() {
    this.#files.forget();
    this.#log = null;
  }

  #put(key, entry) {
    this.#entries.set(key, entry);
    if (!this.#log) return;
    const log = this.#log;
    const end = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    entry.node = entry.make();
    const later = [...this.#entries.values()]
      .filter((other) => other !== entry && other.node?.isConnected && order(other, entry) > 0)
      .sort(order)[0];
    log.insertBefore(entry.node, later?.node ?? null);
    this.#redrawTicks();
    if (end) log.scrollTop = log.scrollHeight;
  }

  #words({ from, text = "", source }) {
    if (from === "customer") return GLOBAL[text] ?? text;
    if (from !== "bot") return text;
    // The last paragraph of an answer may only name its source, which stands below it anyway.
    const at = source?.title ? text.lastIndexOf("\n\n") : -1;
    const credited = at > 0 && text.endsWith(source.title) &&
      text.length - at < source.title.length + 22;
    return (credited ? text.slice(0, at) : text).replace(/\*\*/g, "");
  }

  #event(event) {
    if (event.type === "handoff") {
      const text = LINES[event.state]?.(event) ?? event.state;
      return el("p", { class: "line", text: `${text} · ${clock(event.at)}` });
    }
    if (event.type === "closed") {
      return el("p", { class: "line", text: `Conversation closed · ${clock(event.at)}` });
    }
    const names = { customer: "Customer", bot: "Bot", system: "System",
      agent: event.agent && event.agent !== this.#me.name ? apart(event.agent) : "You" };
    const node = bubble(event.from, names[event.from] ?? event.from, this.#words(event), event.at,
      event.language);
    const cited = event.source?.title &&
      [event.source.title, event.source.section].filter(Boolean).join(" – ");
    if (cited) node.append(el("span", { class: "cited", text: `From: ${cited}` }));
    if (event.buttons?.length) {
      const titles = event.buttons.map((button) => button.title).join(" · ");
      node.append(el("span", { class: "cited", text: `Offered: ${titles}` }));
    }
    if (event.from === "customer") {
      // Whatever else an address begins with may be a program.
      for (const { url, title } of event.links ?? []) {
        if (!/^https?:/i.test(url)) continue;
        node.append(el("a", { class: "cited", href: url, target: "_blank",
          rel: "noopener noreferrer", text: apart(title || url) }));
      }
      if (event.file) node.append(this.#files.opener(event.seq, event.file));
    }
    if (event.from !== "customer" && !isEcho(event)) {
      // Read out with its message, not whenever it changes.
      const tick = el("span", { class: "tick", "aria-live": "off", hidden: true });
      this.#ticks.set(event.seq, tick);
      node.append(tick);
    }
    return node;
  }
}

function order(a, b) {
  if (Number.isFinite(a.seq) && Number.isFinite(b.seq)) return a.seq - b.seq;
  const [left, right] = [a.at ?? "", b.at ?? ""];
  return left < right ? -1 : left > right ? 1 : 0;
}

function bubble(from, who, text, at, language) {
  return el("div", { class: "msg", "data-from": from },
    el("span", { class: "who", text: at ? `${who} · ${clock(at)}` : who }),
    el("div", { class: "bubble", dir: "auto", lang: language, text }));
}
