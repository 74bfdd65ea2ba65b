// The right pane: why the customer was handed over and what is known. Reads the envelope only.

import { apart, clock, customerName, el, reasonTitle, shown, spoken } from "./desk-dom.js";

const section = (title, ...content) =>
  el("section", {}, el("h3", { text: title }), ...content.flat());

/** The sections of the details pane. `insert(text)` puts the suggested reply into the reply. */
export function facts({ envelope, suggested }, insert) {
  return [
    reason(envelope),
    suggested ? suggestion(suggested, insert) : null,
    summary(envelope),
    slots(envelope),
    attempts(envelope),
    articles(envelope),
    about(envelope),
  ].filter(Boolean);
}

/** Readings of the last message that are worth an agent's look. */
const CANDIDATES = 3;
const LIKELY = 0.05;

/** Reasons whose detail says more than their title. */
const DETAILED = new Set(["keyword", "never_automate", "policy", "tool_failure", "tier",
  "supervisor_request", "other"]);

/** `help.speak_to_person` as "Speak to person": what was read, without where it is declared. */
const reading = (name) => (name.startsWith("article:")
  ? `Article ${spoken(name.slice("article:".length))}` : spoken(name.split(".").at(-1)));

function reason({ reason: why = {}, intent, intent_candidates: candidates = [] }) {
  const parts = [el("p", { class: "reason", text: reasonTitle(why.code) })];
  // For most reasons the details only say the title again, in other words.
  if (why.detail && DETAILED.has(why.code)) parts.push(el("p", { text: why.detail }));
  if (why.trigger) parts.push(el("p", { class: "from", text: `Rule: ${spoken(why.trigger)}` }));
  const evidence = (why.evidence ?? []).map(proof);
  if (evidence.length) parts.push(el("ul", { class: "evidence" }, ...evidence));
  if (intent) {
    const scores = candidates.slice(0, CANDIDATES)
      .filter(({ score }) => score >= LIKELY)
      .map(({ name, score }) => `${reading(name)} ${percent(score)}`)
      .join(", ");
    parts.push(el("p", { class: "from", text: `Read as: ${scores || reading(intent)}` }));
  }
  return section("Why they are here", parts);
}

const percent = (share) => `${Math.round(share * 100)}%`;

/** One piece of evidence: its value against the threshold it crossed. */
function proof({ name, kind, value, threshold, turn, text }) {
  const what = name ?? kind ?? "value";
  const label = what.startsWith("intent.") ? reading(what) : spoken(what);
  const share = typeof value === "number" && typeof threshold === "number" &&
    value >= 0 && value <= 1 && threshold > 0 && threshold < 1;
  const say = (number) => (share ? percent(number) : shown(number));
  const bar = threshold === undefined || threshold === null ? "" : ` (threshold ${say(threshold)})`;
  const item = el("li", {},
    el("div", { class: "figures" },
      el("span", { text: turn ? `${label}, turn ${turn}` : label }),
      el("span", { text: `${say(value)}${bar}` })));
  if (text) item.append(el("p", { class: "from", text: `“${apart(text)}”` }));
  if (share) {
    const value_bar = el("div", { class: "value" });
    value_bar.style.width = `${value * 100}%`;
    const mark = el("div", { class: "mark" });
    mark.style.insetInlineStart = `${threshold * 100}%`;
    item.append(el("div", { class: "meter", "aria-hidden": "true" }, value_bar, mark));
  }
  return item;
}

function suggestion(text, insert) {
  const use = el("button", { type: "button", class: "plain", text: "Insert into reply",
    onclick: () => insert(text) });
  return section("Suggested first reply",
    el("div", { class: "suggest" }, el("p", { text }), use));
}

function summary({ summary: sum = {} }) {
  const parts = [];
  if (sum.issue) parts.push(el("p", { text: sum.issue }));
  if (sum.actions_taken?.length) {
    parts.push(el("p", { class: "from", text: "Done so far" }),
      el("ul", { class: "marked" }, ...sum.actions_taken.map((text) => el("li", { text }))));
  }
  if (sum.next_step) {
    parts.push(el("p", { class: "from", text: "Next step" }), el("p", { text: sum.next_step }));
  }
  return parts.length ? section("Summary", parts) : null;
}

const ORIGINS = {
  user: "said by the customer",
  inferred: "worked out",
  system: "set by the bot",
};

const PROOFS = {
  confirmed: "confirmed by the customer",
  system: "from a system",
};

/** What was collected, under the flow that collected it: what is open first, then what has ended. */
function slots({ slots: known = {}, slots_earlier: earlier = [], customer = {}, source = {} }) {
  const all = [...Object.entries(known).map(([name, slot]) => ({ name, ...slot })), ...earlier];
  // Who the customer is stands in their own section.
  const own = new Set([customer.id, customer.display_name, customer.tier]);
  const told = all.filter((slot) => slot.source !== "system" || !own.has(slot.value));
  // Counters and the like: the flow's own notes, of little use to a person.
  const notes = told.filter((slot) => slot.source === "system" && !slot.verified);
  const groups = new Map();
  for (const slot of told.filter((one) => !notes.includes(one))) {
    const key = JSON.stringify([slot.flow ?? null, slot.ended ?? null]);
    groups.set(key, [...groups.get(key) ?? [], slot]);
  }
  const order = (group) => [group[0].ended ? 1 : 0, group[0].flow === source.flow ? 0 : 1,
    -Math.max(...group.map((slot) => slot.turn ?? 0))];
  const parts = [...groups.values()]
    .sort((a, b) => compare(order(a), order(b)))
    .flatMap((group) => collected(group, groups.size > 1 || group[0].flow));
  if (notes.length) {
    parts.push(el("details", {}, el("summary", { text: "Set by the bot" }), values(notes)));
  }
  return parts.length ? section("What is known", parts) : null;
}

const compare = (a, b) => a.map((part, at) => part - b[at]).find((step) => step !== 0) ?? 0;

function collected(group, titled) {
  const [{ flow, flow_title: title, ended }] = group;
  const outcome = ended ? ` · ${FLOW_OUTCOMES[ended] ?? spoken(ended).toLowerCase()}` : "";
  const name = flow ? spoken(title ?? flow) : "The whole conversation";
  const heading = titled ? el("h4", { text: name }, el("span", { class: "from", text: outcome })) : null;
  return [heading, values(group)].filter(Boolean);
}

const FLOW_OUTCOMES = {
  done: "done",
  declined: "the customer declined",
  cancelled: "the customer broke it off",
  abandoned: "broken off",
  replaced: "left for something else",
  go: "went on in another flow",
  restarted: "begun again",
  handoff: "handed to a person",
  error: "broke",
};

function values(group) {
  const inOrder = [...group].sort((a, b) => (a.turn ?? 0) - (b.turn ?? 0));
  const rows = inOrder.flatMap((slot) => [
    el("dt", { text: spoken(slot.title ?? slot.name) }),
    el("dd", {}, value(slot), ...aboutValue(slot)),
  ]);
  return el("dl", {}, ...rows);
}

const value = (slot) => {
  if (slot.secret) return el("span", { text: shown(slot.value), title: "Known to the customer alone" });
  return slot.sensitive ? hidden(shown(slot.value)) : shown(slot.value);
};

function aboutValue({ source, confidence, turn, verified, wanted }) {
  const origin = [verified === "system" ? "" : ORIGINS[source] ?? source,
    turn ? `turn ${turn}` : "",
    typeof confidence === "number" && confidence < 1 ? `${percent(confidence)} sure` : ""];
  return [
    el("div", { class: "from", text: origin.filter(Boolean).join(", ") }),
    verified ? el("div", { class: "verified", text: `✓ ${PROOFS[verified] ?? verified}` }) : null,
    wanted === undefined ? null
      : el("div", { class: "wanted", text: `Wanted instead: ${shown(wanted)}. It could not be changed.` }),
  ];
}

/** A sensitive value stays covered until it is asked for. */
function hidden(text) {
  const button = el("button", { type: "button", class: "plain", text: "Show",
    onclick: () => button.replaceWith(text) });
  return button;
}

const OUTCOMES = { ok: "worked", error: "failed", none: "nothing found" };

const listed = (title, items) =>
  items.length ? section(title, el("ul", { class: "listed" }, ...items)) : null;

function entry(name, kind, { outcome, turn }) {
  const facts = [kind, OUTCOMES[outcome] ?? spoken(outcome), turn ? `turn ${turn}` : ""];
  return el("li", {}, name,
    el("div", { class: "from", text: facts.filter(Boolean).join(" · ") }));
}

function attempts({ attempts: tried = [] }) {
  const others = tried.filter(({ kind }) => kind !== "article");
  return listed("What the bot tried", others.map((attempt) =>
    entry(spoken(attempt.ref), spoken(attempt.kind), attempt)));
}

function articles({ attempts: tried = [] }) {
  const shownOnes = tried.filter(({ kind }) => kind === "article");
  return listed("Articles shown", shownOnes.map((attempt) =>
    entry(attempt.title ?? spoken(attempt.ref), "", attempt)));
}

function about({ customer = {}, channel, locale, sentiment, created_at: at }) {
  const mood = sentiment && [`last ${percent(sentiment.last ?? 0)} negative`,
    typeof sentiment.trend === "number" ? `trend ${percent(sentiment.trend)}` : ""]
    .filter(Boolean).join(", ");
  const rows = [
    ["Name", customerName(customer)],
    ["Number", customer.display_name ? customer.id : null],
    ["Tier", customer.tier],
    ["Verified", customer.verified && customer.verified !== "none" ? customer.verified : "no"],
    ["Channel", channel],
    ["Language", customer.language ?? locale],
    ["Mood", mood],
    ["Handed over", clock(at)],
  ].filter(([, value]) => value);
  const cells = rows.flatMap(([term, value]) =>
    [el("dt", { text: term }), el("dd", { text: value })]);
  return section("Customer", el("dl", {}, ...cells));
}
