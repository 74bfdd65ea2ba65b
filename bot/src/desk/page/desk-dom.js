// Small tools of the desk page. Text from customers only ever becomes text nodes.

export const $ = (id) => document.getElementById(id);

/** Makes an element: `on*` keys are listeners, `text` is its text, other keys are attributes. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Scripts from right to left, and the characters that turn text around without being seen. */
const TURNS = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Bidi_Control}]/u;

/**
 * A name or another value among our own words: between isolates where it could turn them around. Controls of its own could
 * end ours, so they go; in a text that stands by itself they stay.
 */
export function apart(text) {
  const value = String(text);
  return TURNS.test(value) ? `\u2068${value.replace(/\p{Bidi_Control}/gu, "")}\u2069` : value;
}

/** Seconds as a person says them: "now", "4 min", "1 h 20 min". */
export function waited(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (seconds < 10) return "now";
  if (minutes < 1) return `${Math.floor(seconds)} s`;
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export const clock = (at) =>
  at ? new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : "";

/** `block_card.last_four` as "Block card: last four". */
export function spoken(name) {
  const text = String(name ?? "").replace(/[_-]+/g, " ").replace(/\./g, ": ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A slot's value on one line, whatever its type. */
export function shown(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map(shown).join(", ");
  if (typeof value !== "object") return apart(value);
  if ("amount" in value && "currency" in value) return `${value.amount} ${value.currency}`;
  if ("title" in value) return shown(value.title);
  if ("value" in value) return shown(value.value);
  return Object.entries(value).map(([key, part]) => `${key}: ${shown(part)}`).join(", ");
}

const REASONS = {
  user_request: "Asked for a person",
  low_confidence: "The bot was unsure",
  repeated_misunderstanding: "Misunderstood several times",
  turn_limit: "Too many turns without a result",
  sentiment: "Upset",
  keyword: "Said a watched word",
  never_automate: "Always for a person",
  policy: "Policy",
  tier: "Customer's tier",
  tool_failure: "A system failed",
  bot_unavailable: "The bot was not available",
  supervisor_request: "A supervisor asked",
  abandoned_flow: "Gave up half-way",
  other: "Handed over",
};

export const reasonTitle = (code) => REASONS[code] ?? spoken(code);

export function customerName(customer) {
  if (customer?.display_name) return apart(customer.display_name);
  return customer?.id && customer.id !== "anonymous" ? apart(customer.id) : "Somebody not signed in";
}
