// The Bellhop chat widget.
//
//   <script src="https://chat.example.com/widget.js" data-title="Harbor Bank" defer></script>
//   <bellhop-chat server="https://chat.example.com" inline></bellhop-chat>
//
// One file without dependencies, because a site embeds it with one script tag from another origin.
// Owns what the customer sees and types, and that nothing typed is lost or said twice.
// Must never render anything but text nodes, follow a link that is not http(s), or keep what was
// said in the browser: only ids, the conversation's token and messages that are not accepted yet.
(() => {
  "use strict";

  const SCRIPT = document.currentScript;
  const TAG = "bellhop-chat";
  if (customElements.get(TAG)) return;

  const TEXT_MAX = 10_000;
  const OPEN_TIMEOUT_MS = 6_000;
  const PING_EVERY_MS = 20_000;
  const SILENCE_MAX_MS = 50_000;
  const RESEND_AFTER_MS = 5_000;
  const BACKOFF_FIRST_MS = 500;
  const BACKOFF_MAX_MS = 30_000;
  const TYPING_EVERY_MS = 3_000;
  const TYPING_FADES_MS = 12_000;
  // A stream begins with a sign of life: nothing for this long is a proxy that holds it back.
  const STREAM_FIRST_MS = 12_000;
  // Pause in a stream after which what had happened before has been given.
  const CAUGHT_UP_MS = 300;
  // How long sockets are left alone that did not open where a stream did.
  const SOCKETS_REST_MS = 600_000;
  // A refusal may ask us to wait, but the customer sits there.
  const RETRY_AFTER_MAX_MS = 60_000;
  // Failures in a row after which "trying again" alone would be no honest news any more.
  const FAILURES_TELL = 3;
  // Longer than a slow network takes to connect.
  const CONNECTING_TELL_MS = 2_500;
  // Statuses that say "this conversation is not yours any more", whatever the reason.
  const GONE = new Set([401, 403, 404, 410]);
  // Refusals that pass by themselves; every other 4xx would be refused again.
  const TRANSIENT = new Set([408, 425, 429]);

  const STRINGS = {
    en: {
      title: "Chat with us",
      assistant: "Assistant",
      bot_sub: "Automated assistant",
      agent_sub: "{agent}, a person, is with you",
      queued_sub: "Waiting for a person",
      open: "Open chat",
      open_unread: "Open chat, {count} new",
      close: "Close chat",
      log: "Conversation",
      you: "You",
      said: "{who}:",
      message: "Your message",
      placeholder: "Write a message",
      send: "Send",
      human: "Talk to a person",
      replies: "Suggested replies",
      source: "From",
      links: "Links",
      typing: "{who} is typing",
      sending: "Sending",
      sent: "Sent",
      delivered: "Delivered",
      refused: "Not sent",
      retry: "Try again",
      discard: "Discard",
      connecting: "Connecting…",
      reconnecting: "Connection lost. Trying again…",
      unreachable: "We can't reach the chat right now and keep trying. What you write is kept.",
      busy: "The chat is very busy right now. It tries again by itself.",
      unavailable: "Sorry, the chat isn't available here right now. If it can't wait, please contact us another way.",
      offline: "You are offline. Messages are kept and sent when you are back.",
      waiting: "You are in line for {queue}",
      waiting_plain: "You are in line for a person",
      position: "Number {position} in line",
      next: "You are next in line",
      wait: "about {minutes} min",
      wait_short: "less than a minute",
      leave: "Stop waiting",
      someone: "a colleague",
      joined: "{agent} joined the conversation",
      returned: "You are back with the assistant",
      cancelled: "You are no longer in line",
      left: "{agent} has left the conversation",
      closed: "This conversation has ended",
      again: "Start a new conversation",
      fresh: "New conversation",
      expired: "Your last conversation had expired, so this is a new one",
      jump: "Newest messages",
      rate: "Rate from 1 to 5",
      rate_of: "{n} of 5",
      rate_low: "Poor",
      rate_high: "Very good",
    },
    es: {
      title: "Hable con nosotros",
      assistant: "Asistente",
      bot_sub: "Asistente automático",
      agent_sub: "Le atiende una persona: {agent}",
      queued_sub: "Esperando a una persona",
      open: "Abrir el chat",
      open_unread: "Abrir el chat, {count} nuevos",
      close: "Cerrar el chat",
      log: "Conversación",
      you: "Usted",
      said: "{who}:",
      message: "Su mensaje",
      placeholder: "Escriba un mensaje",
      send: "Enviar",
      human: "Hablar con una persona",
      replies: "Respuestas sugeridas",
      source: "Fuente",
      links: "Enlaces",
      typing: "{who} está escribiendo",
      sending: "Enviando",
      sent: "Enviado",
      delivered: "Entregado",
      refused: "No enviado",
      retry: "Reintentar",
      discard: "Descartar",
      connecting: "Conectando…",
      reconnecting: "Se perdió la conexión. Reintentando…",
      unreachable: "Ahora mismo no podemos conectar con el chat y seguimos intentándolo. Lo que escriba se guarda.",
      busy: "El chat está muy ocupado ahora mismo. Se vuelve a intentar automáticamente.",
      unavailable: "Lo sentimos, el chat no está disponible aquí ahora mismo. Si no puede esperar, contáctenos por otro medio.",
      offline: "Está sin conexión. Sus mensajes se guardan y se enviarán al volver.",
      waiting: "Está en la cola para hablar con {queue}",
      waiting_plain: "Está en la cola para hablar con una persona",
      position: "Es el número {position} de la cola",
      next: "Es la siguiente persona de la cola",
      wait: "unos {minutes} min",
      wait_short: "menos de un minuto",
      leave: "Dejar de esperar",
      someone: "una persona del equipo",
      joined: "{agent} se ha unido a la conversación",
      returned: "Vuelve a atenderle el asistente",
      cancelled: "Ya no está en la cola",
      left: "{agent} ha salido de la conversación",
      closed: "Esta conversación ha terminado",
      again: "Empezar otra conversación",
      fresh: "Conversación nueva",
      expired: "Su última conversación había caducado; esta es nueva",
      jump: "Mensajes más recientes",
      rate: "Valore de 1 a 5",
      rate_of: "{n} de 5",
      rate_low: "Mal",
      rate_high: "Muy bien",
    },
  };

  // ---------------------------------------------------------------- small tools

  const fill = (text, values = {}) =>
    text.replace(/\{(\w+)\}/g, (whole, name) => apart(values[name] ?? whole));

  // Scripts from right to left, and the characters that turn text around without being seen.
  const TURNS = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Bidi_Control}]/u;

  /** A name among our own words: between isolates where it could turn them around; its own controls could end ours. */
  function apart(text) {
    const value = String(text);
    return TURNS.test(value) ? `\u2068${value.replace(/\p{Bidi_Control}/gu, "")}\u2069` : value;
  }

  /** Makes an element: `on*` keys are listeners, `text` is its text, other keys are attributes. */
  function el(tag, attributes = {}, ...children) {
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

  function icon(...paths) {
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    for (const d of paths) {
      const path = document.createElementNS(ns, "path");
      path.setAttribute("d", d);
      svg.append(path);
    }
    return svg;
  }

  const BELL = ["M4 17a8 8 0 0 1 16 0", "M2.5 20.5h19", "M12 9V6", "M9.5 5.5h5"];

  /** The address if it is http, https or relative to the server; null for everything else. */
  function safeUrl(address, server) {
    try {
      const url = new URL(address, server);
      return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
    } catch {
      return null;
    }
  }

  const ULID_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  let lastUlidMs = 0;

  /** A ULID that also grows within one page, so that stored messages sort in the order typed. */
  function ulid() {
    lastUlidMs = Math.max(Date.now(), lastUlidMs + 1);
    let time = "";
    for (let rest = lastUlidMs, digit = 0; digit < 10; digit += 1) {
      time = ULID_DIGITS[rest % 32] + time;
      rest = Math.floor(rest / 32);
    }
    const random = crypto.getRandomValues(new Uint8Array(16));
    return time + Array.from(random, (byte) => ULID_DIGITS[byte % 32]).join("");
  }

  /** Who the claim is about, so that one customer never resumes another's conversation. */
  function identity(claim) {
    if (!claim) return "anonymous";
    let subject = claim;
    for (const part of claim.split(".")) {
      try {
        const body = JSON.parse(atob(part.replace(/-/g, "+").replace(/_/g, "/")));
        const named = body.sub ?? body.id ?? body.customer?.id;
        if (named) subject = String(named);
      } catch {
        // Not a JSON part: the whole claim stands for the customer.
      }
    }
    let hash = 0x811c9dc5;
    for (const char of subject) hash = Math.imul(hash ^ char.codePointAt(0), 0x01000193) >>> 0;
    return hash.toString(36);
  }

  /** Browser storage under one prefix; keeps working in memory where the browser denies it. */
  class Shelf {
    #prefix;
    #storage;
    #memory = new Map();

    constructor(kind, prefix) {
      this.#prefix = prefix;
      try {
        this.#storage = window[kind];
      } catch {
        this.#storage = null;
      }
    }

    get(name) {
      const key = this.#prefix + name;
      try {
        const text = this.#storage?.getItem(key) ?? this.#memory.get(key) ?? null;
        return text === null ? null : JSON.parse(text);
      } catch {
        return null;
      }
    }

    set(name, value) {
      const key = this.#prefix + name;
      const text = JSON.stringify(value);
      try {
        if (!this.#storage) throw new Error("no storage");
        this.#storage.setItem(key, text);
      } catch {
        this.#memory.set(key, text);
      }
    }

    remove(name) {
      const key = this.#prefix + name;
      this.#memory.delete(key);
      try {
        this.#storage?.removeItem(key);
      } catch {
        // Nothing was stored either.
      }
    }

    names(start) {
      const from = this.#prefix + start;
      let stored = [];
      try {
        stored = Object.keys(this.#storage ?? {});
      } catch {
        // As above: the memory copy is all there is.
      }
      return [...new Set([...stored, ...this.#memory.keys()])]
        .filter((key) => key.startsWith(from))
        .map((key) => key.slice(this.#prefix.length))
        .sort();
    }
  }

  // ---------------------------------------------------------------- the conversation

  /** The server no longer knows this conversation, or the token no longer opens it. */
  class Gone extends Error {
    constructor(status) {
      super();
      this.status = status;
    }
  }

  /**
   * Why there is no connection: `kind` is what the customer is told (unreachable | busy |
   * unavailable), the message is for the site's developer. Nothing is tried again by itself after
   * `unavailable`: only a change of the page or the server can help.
   */
  class Trouble extends Error {
    constructor(kind, message, afterMs = 0) {
      super(message);
      this.kind = kind;
      this.afterMs = afterMs;
    }
  }

  /** What an answer that is no success means. */
  async function refusal(response, what) {
    const problem = await response.json().catch(() => ({}));
    const says = `the chat server answered ${response.status} when ${what}` +
      (problem.detail ? `: ${problem.detail}` : "");
    const { status } = response;
    if (status < 500 && !TRANSIENT.has(status)) return new Trouble("unavailable", says);
    const afterS = Number(response.headers.get("retry-after")) || 0;
    const afterMs = Math.min(afterS * 1_000, RETRY_AFTER_MAX_MS);
    return new Trouble(status === 503 || status < 500 ? "busy" : "unreachable", says, afterMs);
  }

  /** What the page's own security policy has kept from connecting; browsers tell only this way. */
  const forbidden = new Set();
  document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
    if (effectiveDirective === "connect-src") forbidden.add(blockedURI);
  });

  /** Its addresses are written as `http:` where the policy speaks of sockets, and the other way. */
  const isForbidden = (schemes, host) => [...forbidden].some((address) => {
    try {
      const url = new URL(address);
      return url.host === host && schemes.includes(url.protocol);
    } catch {
      return false;
    }
  });

  /**
   * Finds out why `server` gave this page no answer: a browser shows a page nothing of a refusal,
   * so that a wrong setting looks like a server that is down.
   */
  async function diagnose(server) {
    const { origin, host, protocol } = new URL(server);
    const socket = origin.replace(/^http/, "ws");
    // The event about it comes as a task of its own.
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (isForbidden(["http:", "https:"], host)) {
      return new Trouble("unavailable", `this page's Content-Security-Policy lets it connect to ` +
        `nothing at ${origin}: add \`${origin} ${socket}\` to its connect-src`);
    }
    const local = /^(localhost|127\.0\.0\.1|\[::1\])(:|$)/.test(host);
    if (location.protocol === "https:" && protocol === "http:" && !local) {
      return new Trouble("unavailable", `a page under https may not connect to ${origin}: serve ` +
        `the chat under https, and change \`server\` (data-server)`);
    }
    const ask = (mode) => fetch(`${server}/v1/origin`,
      { mode, credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(5_000) });
    try {
      const verdict = await (await ask("cors")).json();
      if (verdict.allowed === false) {
        return new Trouble("unavailable", `this page's origin ${location.origin} is not in ` +
          `\`allowed_origins\` of the chat server ${server}. Add it to bellhop.toml, such as ` +
          `allowed_origins = ["${location.origin}"], or to BELLHOP_ALLOWED_ORIGINS, and restart ` +
          `the server`);
      }
      return new Trouble("unreachable", `${server} answers, but the last request got no answer`);
    } catch {
      // Not ours to read, or no answer: the next question tells which.
    }
    try {
      await ask("no-cors");
      return new Trouble("unreachable", `something at ${server} answers, but not as a chat server ` +
        `that this page may read: is the address right, and does a proxy before it give an ` +
        `error page of its own?`);
    } catch {
      return new Trouble("unreachable", `no answer from ${server}: is the server running, and can ` +
        `this browser reach it?`);
    }
  }

  /**
   * One customer's conversation: opens or resumes it, keeps a connection, and sends what was typed
   * until the server has accepted it. Knows nothing of the page. Calls:
   *   on.event(event)           a stored event, each seq once
   *   on.typing(event)          a passing one
   *   on.position(event)        another: where the customer stands in the line
   *   on.item(item)             a message waiting to be accepted: new, or its state changed
   *   on.state(state)           connecting | online | reconnecting | unreachable | busy | offline |
   *                             unavailable, which only `tryNow` or a new message ends
   *   on.ready()                everything that happened before we connected has been given
   *   on.fresh(expired)         a new conversation begins; `expired` when the last one was lost
   */
  class Session {
    #server;
    #claim;
    #language;
    #on;
    #shelf;
    #conversation = null;
    #latest = 0;
    #seqs = new Set();
    #outbox = new Map();
    #link = null;
    #running = false;
    #wake = null;
    #draining = false;
    #state = "";
    #resend = 0;
    // Said on the console since we were connected last.
    #told = new Set();
    // This conversation was connected to once, so that its token is known to be good.
    #proven = false;
    #socketsFromMs = 0;
    // Ends the wait after a refusal that lasts; nothing else does.
    #ask = null;

    constructor({ server, claim, language, on }) {
      this.#server = server.replace(/\/+$/, "");
      this.#claim = claim;
      this.#language = language;
      this.#on = on;
      this.#shelf = new Shelf("localStorage", `bellhop:${this.#server}:${identity(claim)}:`);
    }

    get known() {
      return this.#shelf.get("conversation") !== null || this.#shelf.names("out:").length > 0;
    }

    get seen() {
      return this.#shelf.get("seen") ?? 0;
    }

    markSeen() {
      if (this.#latest > this.seen) this.#shelf.set("seen", this.#latest);
    }

    start() {
      if (this.#running) return;
      this.#running = true;
      for (const name of this.#shelf.names("out:")) {
        const item = this.#shelf.get(name);
        if (!item?.client_msg_id || this.#outbox.has(item.client_msg_id)) continue;
        this.#outbox.set(item.client_msg_id, item);
        this.#on.item({ ...item, state: "sending" });
      }
      window.addEventListener("online", this.#online);
      window.addEventListener("offline", this.#offline);
      document.addEventListener("visibilitychange", this.#visible);
      this.#resend = setInterval(() => this.#flush(false), RESEND_AFTER_MS);
      this.#run();
    }

    stop() {
      this.#running = false;
      clearInterval(this.#resend);
      window.removeEventListener("online", this.#online);
      window.removeEventListener("offline", this.#offline);
      document.removeEventListener("visibilitychange", this.#visible);
      this.#link?.drop();
      this.tryNow();
    }

    /** Tries to connect at once, whatever has been waited for. */
    tryNow() {
      this.#ask?.();
      this.#wake?.();
    }

    /** Keeps the message before it is sent, so that closing the page now loses nothing. */
    send({ text, payload, title }) {
      const item = { client_msg_id: ulid(), text, payload, title };
      this.#outbox.set(item.client_msg_id, item);
      this.#shelf.set(`out:${item.client_msg_id}`, item);
      this.#on.item({ ...item, state: "sending" });
      this.start();
      this.tryNow();
      this.#flush(false);
    }

    retry(id) {
      const item = this.#outbox.get(id);
      if (!item) return;
      item.refused = false;
      this.#on.item({ ...item, state: "sending" });
      this.#flush(false);
    }

    discard(id) {
      this.#outbox.delete(id);
      this.#shelf.remove(`out:${id}`);
    }

    typing() {
      this.#link?.typing();
    }

    /** Leaves this conversation behind; the next connection opens another. */
    renew() {
      this.#forget(false);
      this.#link?.drop();
      this.tryNow();
      this.start();
    }

    #online = () => this.#wake?.();

    #offline = () => {
      this.#link?.drop();
      this.#tell("offline");
    };

    #visible = () => {
      if (document.visibilityState === "visible") this.#wake?.();
    };

    #tell(state) {
      if (state === this.#state) return;
      this.#state = state;
      this.#on.state(state);
    }

    async #run() {
      let failures = 0;
      this.#tell("connecting");
      while (this.#running) {
        let trouble = null;
        try {
          if (!this.#conversation) await this.#openConversation();
          if (!this.#running) return;
          if (await this.#connect()) failures = 0;
        } catch (error) {
          if (error instanceof Gone && !this.#reopens) this.#forget(true);
          trouble = this.#judge(error);
        }
        if (!this.#running) return;
        if (trouble?.kind === "unavailable") {
          await this.#refuse(trouble);
          failures = 0;
          continue;
        }
        failures += 1;
        if (trouble && navigator.onLine !== false) this.#report("warn", trouble.message);
        this.#tellFailure(failures, trouble);
        const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (failures - 1));
        const wait = ceiling * (0.5 + Math.random() / 2);
        await this.#pause(wait + (trouble?.afterMs ?? 0));
      }
    }

    /** A conversation opened just now that is gone at once: another would be as well. */
    get #reopens() {
      return this.#conversation !== null && this.#conversation.fresh && !this.#proven;
    }

    #judge(error) {
      if (error instanceof Trouble) return error;
      if (!(error instanceof Gone)) return new Trouble("unreachable", String(error));
      if (!this.#reopens) return null;
      return new Trouble("unavailable", `${this.#server} refuses (${error.status}) the token that ` +
        `it has just given: does a proxy before it take the Authorization header away?`);
    }

    /** Stops trying: the same would come of it, and a page left open would ask for ever. */
    async #refuse(trouble) {
      this.#report("error", trouble.message);
      this.#tell("unavailable");
      await new Promise((resolve) => {
        this.#ask = resolve;
      });
      this.#ask = null;
      if (this.#reopens) this.#forget(false);
      this.#told.clear();
      this.#tell("connecting");
    }

    #tellFailure(failures, trouble) {
      if (navigator.onLine === false) this.#tell("offline");
      else if (trouble?.kind === "busy") this.#tell("busy");
      // Nothing is lost that there never was.
      else if (failures < FAILURES_TELL && this.#proven) this.#tell("reconnecting");
      else if (failures > 1 || trouble) this.#tell("unreachable");
    }

    /** Tells the site's developer, once for each time that the connection is away. */
    #report(level, message) {
      if (this.#told.has(message)) return;
      this.#told.add(message);
      console[level](`bellhop: ${message}`);
    }

    #connected() {
      this.#proven = true;
      this.#told.clear();
      this.#tell("online");
      this.#flush(true);
    }

    #pause(ms) {
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      }).finally(() => {
        this.#wake = null;
      });
    }

    // Two tabs that open at once must end in one conversation, so they take turns.
    async #openConversation() {
      const open = () => this.#resumeOrCreate();
      const name = `bellhop-open:${this.#server}`;
      await (navigator.locks ? navigator.locks.request(name, open) : open());
    }

    async #resumeOrCreate() {
      const kept = this.#shelf.get("conversation");
      if (kept?.id && kept?.token) {
        this.#conversation = kept;
        return;
      }
      const what = "a conversation was to be opened";
      let response = await this.#create(this.#claim);
      if (this.#claim && (response.status === 401 || response.status === 403)) {
        const { message } = await refusal(response, what);
        this.#report("warn", `${message}; the chat goes on with somebody unknown`);
        response = await this.#create(undefined);
      }
      if (response.status === 404) {
        throw new Trouble("unavailable", `no chat server at ${this.#server} (404): look at ` +
          `\`server\` (data-server)`);
      }
      if (!response.ok) throw await refusal(response, what);
      const opened = await response.json();
      this.#proven = false;
      this.#shelf.set("conversation", { id: opened.conversation_id, token: opened.token });
      this.#conversation = { id: opened.conversation_id, token: opened.token, fresh: true };
      for (const event of opened.events ?? []) this.#take(event);
    }

    #create(token) {
      const body = { channel: "web", language: this.#language, token: token || undefined };
      return this.#fetch("/v1/conversations", { method: "POST", body: JSON.stringify(body) });
    }

    #fetch(path, options = {}, limitMs = 15_000) {
      const headers = { ...options.headers };
      if (options.body) headers["content-type"] = "application/json";
      if (this.#conversation) headers.authorization = `Bearer ${this.#conversation.token}`;
      const signal = options.signal ?? AbortSignal.timeout(limitMs);
      const fixed = { headers, signal, credentials: "omit", cache: "no-store" };
      return fetch(this.#server + path, { ...options, ...fixed }).catch((error) => {
        if (options.signal?.aborted) throw error;
        return diagnose(this.#server).then((trouble) => {
          throw trouble;
        });
      });
    }

    #path(end) {
      return `/v1/conversations/${encodeURIComponent(this.#conversation.id)}/${end}`;
    }

    #forget(expired) {
      // Another tab may have noticed first and opened the next one: that one is kept.
      if (this.#shelf.get("conversation")?.id === this.#conversation?.id) {
        this.#shelf.remove("conversation");
      }
      this.#shelf.remove("seen");
      this.#conversation = null;
      this.#proven = false;
      this.#latest = 0;
      this.#seqs.clear();
      this.#on.fresh(expired);
    }

    /** Stays connected as long as it can; true when it ever was. */
    async #connect() {
      const rested = performance.now() >= this.#socketsFromMs;
      if (rested && await this.#socket()) return true;
      if (!this.#running || !this.#conversation) return false;
      // No socket: some proxies refuse them. The same events come as a stream, and unlike a
      // refused socket it says why when the conversation is gone.
      return this.#stream(rested);
    }

    /** A stream opened where a socket did not. */
    #restSockets() {
      this.#socketsFromMs = performance.now() + SOCKETS_REST_MS;
      const { host, origin } = new URL(this.#server);
      const socket = origin.replace(/^http/, "ws");
      this.#report("info", isForbidden(["ws:", "wss:"], host)
        ? `this page's Content-Security-Policy keeps web sockets from opening: add \`${socket}\` ` +
          `to its connect-src. The chat goes on over server-sent events`
        : `no web socket to ${socket} opens (does a proxy keep them away?): the chat goes on over ` +
          `server-sent events`);
    }

    #socket() {
      const query = `socket?token=${encodeURIComponent(this.#conversation.token)}`;
      const url = new URL(this.#server + this.#path(query));
      url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
      return new Promise((resolve) => {
        let socket;
        try {
          socket = new WebSocket(url);
        } catch {
          resolve(false);
          return;
        }
        let opened = false;
        let heardMs = performance.now();
        const put = (frame) => socket.readyState === 1 && socket.send(JSON.stringify(frame));
        const end = () => {
          clearTimeout(limit);
          clearInterval(heart);
          socket.onopen = socket.onmessage = socket.onclose = null;
          socket.close();
          this.#link = null;
          resolve(opened);
        };
        const limit = setTimeout(end, OPEN_TIMEOUT_MS);
        const heart = setInterval(() => {
          if (performance.now() - heardMs > SILENCE_MAX_MS) end();
          else put({ type: "ping" });
        }, PING_EVERY_MS);
        this.#link = { drop: end, typing: () => put({ type: "typing" }), put };
        socket.onopen = () => {
          put({ type: "hello", after: this.#latest });
          // The answer to this comes after everything that we missed.
          put({ type: "ping" });
        };
        socket.onmessage = ({ data }) => {
          // Only now: some proxies open a socket and let nothing through.
          if (!opened) {
            opened = true;
            clearTimeout(limit);
            this.#connected();
          }
          heardMs = performance.now();
          this.#frame(data, end);
        };
        socket.onclose = ({ code }) => {
          // A server that closes with a policy code is asked once more, by the stream, for why.
          if (code === 1008 || (code >= 4400 && code < 4500)) opened = false;
          end();
        };
      });
    }

    async #stream(instead) {
      const abort = new AbortController();
      let heardMs = performance.now();
      let late = "";
      let caughtUp = 0;
      const tooLate = (why) => {
        late = why;
        abort.abort();
      };
      const watch = setInterval(() => {
        if (performance.now() - heardMs > SILENCE_MAX_MS) abort.abort();
      }, PING_EVERY_MS);
      let limit = setTimeout(() => tooLate("no stream of events opens"), OPEN_TIMEOUT_MS * 2);
      const link = { drop: () => abort.abort(), typing: () => {}, put: null };
      this.#link = link;
      let opened = false;
      try {
        const path = this.#path(`events?after=${this.#latest}`);
        const headers = { accept: "text/event-stream" };
        const response = await this.#fetch(path, { headers, signal: abort.signal });
        clearTimeout(limit);
        if (GONE.has(response.status)) throw new Gone(response.status);
        if (!response.ok) throw await refusal(response, "events were asked for");
        opened = true;
        limit = setTimeout(() => tooLate("nothing comes through the stream of events"),
          STREAM_FIRST_MS);
        if (instead) this.#restSockets();
        link.drain = () => this.#drain(() => abort.abort());
        this.#connected();
        await readEventStream(response.body, (data) => {
          clearTimeout(limit);
          heardMs = performance.now();
          if (data !== null) this.#frame(data, () => abort.abort());
          clearTimeout(caughtUp);
          caughtUp = setTimeout(() => this.#on.ready(), CAUGHT_UP_MS);
        });
      } catch (error) {
        if (error instanceof Gone || error instanceof Trouble) throw error;
      } finally {
        clearTimeout(limit);
        clearTimeout(caughtUp);
        clearInterval(watch);
        if (this.#link === link) this.#link = null;
      }
      if (this.#gone) {
        this.#gone = false;
        throw new Gone();
      }
      if (late) {
        throw new Trouble("unreachable", `${late} from ${this.#server}: does a proxy before it ` +
          `hold answers back? (nginx: proxy_buffering off)`);
      }
      return opened;
    }

    #gone = false;

    #frame(data, drop) {
      let frame;
      try {
        frame = JSON.parse(data);
      } catch {
        return;
      }
      if (frame.type === "pong") this.#on.ready();
      else if (frame.type === "ack") this.#accepted(frame.client_msg_id);
      else if (frame.type === "error") this.#failed(frame, drop);
      else if (frame.type === "typing") this.#on.typing(frame);
      else if (frame.type === "position") this.#on.position(frame);
      else if (Number.isFinite(frame.seq)) this.#take(frame);
    }

    #take(event) {
      if (this.#seqs.has(event.seq)) return;
      this.#seqs.add(event.seq);
      this.#latest = Math.max(this.#latest, event.seq);
      // Seeing our own message in the transcript is as good as its acknowledgement.
      if (event.client_msg_id) this.discard(event.client_msg_id);
      this.#on.event(event);
    }

    #accepted(id) {
      const item = this.#outbox.get(id);
      this.discard(id);
      if (item) this.#on.item({ ...item, state: "sent" });
    }

    #refused(item, reason) {
      item.refused = true;
      this.#on.item({ ...item, state: "refused", reason });
    }

    #failed(frame, drop) {
      const item = this.#outbox.get(frame.client_msg_id);
      if (/closed|gone|unknown|unauthor|expired|not_found/.test(frame.code ?? "")) {
        this.#forget(true);
        drop();
      } else if (item && !/rate|busy|unavailable|overload|retry/.test(frame.code ?? "")) {
        this.#refused(item, frame.message);
      }
    }

    /** Sends what is not accepted yet, in the order typed; `all` also what was sent just now. */
    #flush(all) {
      if (this.#state !== "online" || !this.#link) return;
      if (this.#link.drain) {
        this.#link.drain();
        return;
      }
      if (!this.#link.put) return;
      const nowMs = performance.now();
      for (const item of this.#outbox.values()) {
        const recent = item.tried_ms !== undefined && nowMs - item.tried_ms < RESEND_AFTER_MS;
        if (item.refused || (recent && !all)) continue;
        item.tried_ms = nowMs;
        this.#link.put({ type: "message", ...wireMessage(item) });
      }
    }

    async #drain(drop) {
      if (this.#draining) return;
      this.#draining = true;
      try {
        for (const item of this.#outbox.values()) {
          if (item.refused) continue;
          const body = JSON.stringify(wireMessage(item));
          const response = await this.#fetch(this.#path("messages"), { method: "POST", body });
          if (response.ok) this.#accepted(item.client_msg_id);
          // A 403 here is a firewall's, about what is said: another conversation would not help.
          else if (GONE.has(response.status) && response.status !== 403) {
            this.#gone = true;
            drop();
            return;
          } else if (response.status < 500 && !TRANSIENT.has(response.status)) {
            const problem = await response.json().catch(() => ({}));
            this.#refused(item, problem.detail ?? problem.title);
          } else return;
        }
      } catch {
        // The network failed: the item stays in the outbox and the timer tries again.
      } finally {
        this.#draining = false;
      }
    }
  }

  const wireMessage = ({ client_msg_id, text, payload }) =>
    payload === undefined ? { client_msg_id, text } : { client_msg_id, payload };

  /** Calls `each` with the data of every server-sent event, and with null for a keep-alive. */
  async function readEventStream(body, each) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop();
      for (const block of blocks) {
        const lines = block.split(/\r?\n/).filter((line) => line.startsWith("data:"));
        const data = lines.map((line) => line.slice(5).replace(/^ /, "")).join("\n");
        each(lines.length ? data : null);
      }
    }
  }

  // ---------------------------------------------------------------- colours

  const luminance = ([r, g, b]) => {
    const linear = [r, g, b].map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };

  const contrast = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };

  /** Brighter in the same hue as long as there is room, then paler. */
  const lighter = (rgb) => {
    const brightest = Math.max(...rgb);
    return brightest > 40 && brightest < 228
      ? rgb.map((part) => part * 1.12)
      : rgb.map((part) => part + (255 - part) * 0.1);
  };

  /** The colour moved until text in it reads on `surface` (WCAG AA: 4.5 to 1). */
  function readable(colour, surface) {
    const darker = (rgb) => rgb.map((part) => part * 0.9);
    const move = luminance(surface) > 0.5 ? darker : lighter;
    let moved = colour;
    for (let step = 0; step < 40 && contrast(moved, surface) < 4.6; step += 1) moved = move(moved);
    return moved.map(Math.round);
  }

  const css = (rgb) => `rgb(${rgb.join(" ")})`;

  // ---------------------------------------------------------------- looks

  const DARK = `
    --bg: #14171b; --raised: #1b1f25; --text: #eceff3; --muted: #a9b2bd; --line: #353c45;
    --bot: #272d35; --agent: #20303a; --warn-bg: #3a2c10; --warn-text: #f6d78f;
    --bad: #ff9c92; --link: var(--accent-on-dark); --shadow: 0 18px 50px rgb(0 0 0 / 0.6);`;

  const STYLE = `
  :host { all: initial; display: block; color-scheme: light;
    --bg: #ffffff; --raised: #f5f6f8; --text: #181b1f; --muted: #565f6a; --line: #d8dce2;
    --bot: #eef0f3; --agent: #e7f0f3; --warn-bg: #fff3d6; --warn-text: #5c4200;
    --bad: #b3261e; --link: var(--accent-on-light); --shadow: 0 18px 50px rgb(20 28 40 / 0.26);
    font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial,
      sans-serif; color: var(--text); -webkit-text-size-adjust: 100%; }
  @media (prefers-color-scheme: dark) {
    :host(:not([theme="light"])) { color-scheme: dark; ${DARK} } }
  :host([theme="dark"]) { color-scheme: dark; ${DARK} }
  :host([hidden]) { display: none; }
  *, *::before, *::after { box-sizing: border-box; }
  [hidden] { display: none !important; }
  button { font: inherit; color: inherit; cursor: pointer; touch-action: manipulation; }
  svg { width: 1.5em; height: 1.5em; fill: none; stroke: currentColor; stroke-width: 1.8;
    stroke-linecap: round; stroke-linejoin: round; flex: none; }
  :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
  .sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
    white-space: nowrap; }

  .launcher { position: fixed; inset-block-end: max(20px, env(safe-area-inset-bottom));
    inset-inline-end: 20px; z-index: 2147483000; display: grid; place-items: center;
    width: 60px; height: 60px; border: 0; border-radius: 50%; background: var(--accent);
    color: var(--on-accent); box-shadow: 0 6px 20px rgb(20 28 40 / 0.32);
    transition: transform 0.15s ease; }
  .launcher:hover { transform: translateY(-2px); }
  .launcher:focus-visible { outline-offset: 3px; }
  .badge { position: absolute; inset-block-start: -4px; inset-inline-end: -4px; min-width: 24px;
    padding: 1px 6px; border: 2px solid var(--bg); border-radius: 12px; background: #b3261e;
    color: #fff; font-size: 13px; font-weight: 700; text-align: center; }

  .panel { display: flex; flex-direction: column; overflow: hidden; background: var(--bg);
    color: var(--text); }
  :host(:not([inline])) .panel { position: fixed; z-index: 2147483001;
    inset-block-end: max(20px, env(safe-area-inset-bottom)); inset-inline-end: 20px;
    width: 396px; height: min(660px, calc(100dvh - 40px)); border: 1px solid var(--line);
    border-radius: 18px; box-shadow: var(--shadow); animation: rise 0.18s ease-out; }
  :host([inline]) { height: 100%; min-height: 420px; }
  :host([inline]) .panel { height: 100%; min-height: inherit; border: 1px solid var(--line);
    border-radius: 18px; }
  @media (max-width: 520px), (max-height: 480px) {
    :host(:not([inline])) .panel { inset: 0; width: auto; height: 100dvh; border: 0;
      border-radius: 0; padding-block-end: env(safe-area-inset-bottom); } }
  @keyframes rise { from { opacity: 0; transform: translateY(12px); } }

  .head { display: flex; align-items: center; gap: 12px; padding: 14px 16px;
    background: var(--accent); color: var(--on-accent); }
  .head :focus-visible { outline-color: var(--on-accent); }
  .mark { display: grid; place-items: center; width: 38px; height: 38px; border-radius: 50%;
    border: 1.5px solid color-mix(in srgb, var(--on-accent) 45%, transparent); flex: none; }
  .names { flex: 1; min-width: 0; }
  h2 { margin: 0; font-size: 17px; font-weight: 650; line-height: 1.25; }
  .sub { margin: 0; font-size: 13.5px; line-height: 1.3; }
  h2, .sub { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .close { display: grid; place-items: center; width: 40px; height: 40px; border: 0;
    border-radius: 10px; background: transparent; }
  .close:hover { background: color-mix(in srgb, var(--on-accent) 16%, transparent); }

  .net { padding: 8px 16px; background: var(--warn-bg); color: var(--warn-text);
    font-size: 14px; }
  .banner { display: flex; align-items: center; gap: 12px; padding: 10px 16px;
    border-block-end: 1px solid var(--line); background: var(--agent); font-size: 14px; }
  .banner > span { flex: 1; min-width: 0; }
  .banner strong { display: block; font-weight: 650; }
  .banner button { flex: none; }
  .net { display: flex; align-items: center; gap: 12px; }
  .net > span { flex: 1; min-width: 0; }
  .net button { flex: none; min-height: 32px; padding: 3px 12px; border: 1.5px solid currentColor;
    border-radius: 16px; background: none; font-weight: 600; }
  .net:not(:has(span:not(:empty))), .banner:empty { display: none; }

  .middle { position: relative; flex: 1; min-height: 0; display: flex; flex-direction: column; }
  .log { flex: 1; min-height: 0; overflow-y: auto; overscroll-behavior: contain;
    padding: 18px 16px 8px; }
  .log:focus-visible { outline-offset: -3px; }
  .msg { display: flex; flex-direction: column; align-items: flex-start; gap: 6px;
    margin-block: 0 12px; }
  .msg[data-from="customer"] { align-items: flex-end; }
  .who { margin-inline-start: 2px; font-size: 13px; font-weight: 600; color: var(--muted); }
  .bubble { max-width: 86%; padding: 9px 14px; border-radius: 16px; background: var(--bot);
    overflow-wrap: anywhere; border-end-start-radius: 5px; }
  .bubble.plain { white-space: pre-wrap; }
  .msg[data-from="agent"] .bubble { background: var(--agent);
    box-shadow: inset 0 0 0 1px color-mix(in srgb, var(--link) 40%, transparent); }
  .msg[data-from="customer"] .bubble { background: var(--accent); color: var(--on-accent);
    border-radius: 16px; border-end-end-radius: 5px; }
  .bubble p { margin: 0; }
  .bubble > :not(:first-child) { margin-block-start: 0.55em; }
  .bubble ul, .bubble ol { margin-block: 0; padding-inline-start: 1.25em; }
  .bubble li + li { margin-block-start: 0.3em; }
  .bubble:has(.table) { max-width: 100%; }
  .table { overflow-x: auto; }
  .table table { border-collapse: collapse; font-size: 14px; line-height: 1.35;
    font-variant-numeric: tabular-nums; }
  .table :is(th, td) { padding: 5px 8px; text-align: start; vertical-align: top;
    overflow-wrap: normal; border-block-end: 1px solid var(--line); }
  .table :is(th, td):first-child { padding-inline-start: 0; }
  .table :is(th, td):last-child { padding-inline-end: 0; }
  .table thead th { color: var(--muted); font-weight: 600; font-size: 13px; }
  .table tbody th { font-weight: 600; }
  .table tbody tr:last-child > * { border-block-end: 0; }
  .bubble a { color: inherit; text-underline-offset: 2px; }
  .meta { display: flex; gap: 6px; align-items: center; min-height: 1em; font-size: 12.5px;
    color: var(--muted); line-height: 1.2; margin-inline: 4px; }
  .meta:empty { display: none; }
  .msg[data-state="delivered"]:has(~ .msg[data-from="customer"]) .meta { display: none; }
  .meta svg { width: 15px; height: 15px; }
  .meta button { padding: 4px 6px; border: 0; background: none; color: var(--link);
    font-weight: 600; text-decoration: underline; }
  .msg[data-state="refused"] .meta { color: var(--bad); }
  .msg[data-state="sending"] .bubble { opacity: 0.82; }

  .source, .links a { display: inline-flex; align-items: center; gap: 6px; max-width: 100%;
    font-size: 13.5px; color: var(--muted); }
  .source { padding: 3px 10px; border: 1px solid var(--line); border-radius: 14px;
    background: var(--raised); }
  .source svg, .links svg { width: 15px; height: 15px; }
  .source span, .source a { min-width: 0; }
  .source a, .links a { color: var(--link); text-underline-offset: 2px; }
  .links { display: flex; flex-direction: column; gap: 6px; margin: 0; padding: 0;
    list-style: none; }
  .links a { font-size: 14.5px; }

  .choices { display: flex; flex-wrap: wrap; gap: 8px; max-width: 100%; }
  .choices button, .plain-button { min-height: 38px; padding: 7px 14px;
    border: 1.5px solid var(--link); border-radius: 20px; background: var(--bg);
    color: var(--link); font-weight: 600; text-align: start; }
  .choices button:hover, .plain-button:hover {
    background: color-mix(in srgb, var(--link) 12%, var(--bg)); }
  .rating { display: grid; grid-template-columns: repeat(5, 48px); gap: 6px 8px; }
  .rating button { height: 48px; padding: 0; border-radius: 14px; font-size: 18px;
    text-align: center; }
  .rating span { grid-column: span 2; font-size: 13px; color: var(--muted); }
  .rating span:last-child { grid-column: 4 / span 2; text-align: end; }

  .line { display: flex; flex-direction: column; align-items: center; gap: 10px;
    margin-block: 6px 16px; font-size: 13.5px; color: var(--muted); text-align: center; }
  .line.divide { flex-direction: row; }
  .line.divide::before, .line.divide::after { content: ""; flex: 1;
    border-block-start: 1px solid var(--line); }

  .typing { display: flex; align-items: center; gap: 8px; padding: 4px 18px 8px;
    min-height: 28px; font-size: 13.5px; color: var(--muted); }
  .dots { display: inline-flex; gap: 4px; }
  .dots i { width: 7px; height: 7px; border-radius: 50%; background: currentColor;
    animation: blink 1.2s infinite both; }
  .dots i:nth-child(2) { animation-delay: 0.2s; }
  .dots i:nth-child(3) { animation-delay: 0.4s; }
  @keyframes blink { 0%, 80%, 100% { opacity: 0.3; } 40% { opacity: 1; } }
  .jump { position: absolute; inset-block-end: 10px; inset-inline: 0; margin-inline: auto;
    width: max-content; box-shadow: 0 4px 14px rgb(20 28 40 / 0.22); }

  form { display: flex; align-items: flex-end; gap: 8px; padding: 10px 12px 6px;
    border-block-start: 1px solid var(--line); }
  textarea { flex: 1; min-width: 0; min-height: 44px; max-height: 132px; padding: 10px 14px;
    border: 1.5px solid var(--muted); border-radius: 22px; background: var(--bg);
    color: var(--text); font: inherit; font-size: 16px; line-height: 1.35; resize: none; }
  textarea::placeholder { color: var(--muted); opacity: 1; }
  textarea:focus-visible { outline-offset: 0; border-color: transparent; }
  .send { display: grid; place-items: center; width: 44px; height: 44px; border: 0;
    border-radius: 50%; background: var(--accent); color: var(--on-accent); flex: none; }
  .send[aria-disabled="true"] { background: var(--raised); color: var(--muted);
    box-shadow: inset 0 0 0 1.5px var(--line); cursor: default; }
  :dir(rtl) .send svg { transform: scaleX(-1); }
  .foot { display: flex; justify-content: center; min-height: 12px; padding: 0 12px 8px; }
  .human { display: inline-flex; align-items: center; gap: 6px; min-height: 36px;
    padding: 4px 12px; border: 0; border-radius: 10px; background: none; color: var(--link);
    font-size: 14px; font-weight: 600; }
  .human:hover { background: var(--raised); text-decoration: underline; }
  .human svg { width: 18px; height: 18px; }

  @media (prefers-reduced-motion: reduce) {
    *, *::before, *::after { animation: none !important; transition: none !important; }
    .dots i { opacity: 0.7; } }
  @media (forced-colors: active) {
    .bubble, .launcher, .send, .head { border: 1px solid CanvasText; } }
  `;

  // ---------------------------------------------------------------- text

  const BOLD_OR_ADDRESS = /\*\*([^*\n]+)\*\*|https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g;

  /** Text nodes, bold runs and web addresses of one line; never markup. */
  function inline(text, server) {
    const nodes = [];
    let from = 0;
    for (const found of text.matchAll(BOLD_OR_ADDRESS)) {
      nodes.push(text.slice(from, found.index));
      const url = found[1] === undefined ? safeUrl(found[0], server) : null;
      if (found[1] !== undefined) nodes.push(el("strong", { text: found[1] }));
      else if (url) nodes.push(outside(url, found[0]));
      else nodes.push(found[0]);
      from = found.index + found[0].length;
    }
    nodes.push(text.slice(from));
    return nodes.filter((node) => node !== "");
  }

  const outside = (url, text, ...before) =>
    el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...before, text);

  const ROW = /^• (.+?) – (.+)$/;
  // Named columns, and characters of a value, that can still be read in a bubble.
  const COLUMNS_MAX = 4;
  const CELL_MAX = 30;

  /** `• Easy Saver – Rate: 3.10% · Access: any time` as its label and its named values. */
  function row(line) {
    const [, label, rest] = ROW.exec(line) ?? [];
    if (!rest) return null;
    const cells = rest.split(" · ").map((cell) => {
      const at = cell.indexOf(": ");
      return at < 0 ? null : [cell.slice(0, at), cell.slice(at + 2)];
    });
    return cells.includes(null) ? null : { label, cells };
  }

  /** The table that lines stand for; null where they are none, or one too wide for a bubble. */
  function table(lines, server) {
    const rows = lines.map(row);
    if (rows.length < 2 || rows.includes(null)) return null;
    const heads = rows[0].cells.map(([head]) => head);
    const same = rows.every(({ cells }) => cells.length === heads.length &&
      cells.every(([head, value], at) => head === heads[at] && value.length <= CELL_MAX));
    if (!same || heads.length > COLUMNS_MAX) return null;
    return el("div", { class: "table" }, el("table", {},
      el("thead", {}, el("tr", {}, el("td"),
        ...heads.map((head) => el("th", { scope: "col" }, ...inline(head, server))))),
      el("tbody", {}, ...rows.map(({ label, cells }) => el("tr", {},
        el("th", { scope: "row" }, ...inline(label, server)),
        ...cells.map(([, value]) => el("td", {}, ...inline(value, server))))))));
  }

  /** What the bot writes: paragraphs, simple lists, tables, bold, addresses. */
  function paragraphs(text, server) {
    const blocks = [];
    const lines = text.split(/\n/);
    for (let at = 0; at < lines.length; at += 1) {
      let end = at;
      while (end < lines.length && ROW.test(lines[end])) end += 1;
      const found = table(lines.slice(at, end), server);
      if (found) lines.splice(at, end - at, found);
      else at = Math.max(at, end - 1);
    }
    for (const line of lines) {
      if (typeof line !== "string") {
        blocks.push(line);
        continue;
      }
      const bullet = /^\s*(?:[-*•]|(\d{1,2})[.)])\s+(.*)$/.exec(line);
      const last = blocks.at(-1);
      if (bullet) {
        const tag = bullet[1] ? "OL" : "UL";
        const list = last?.tagName === tag ? last
          : el(tag, { start: Number(bullet[1]) > 1 && bullet[1] });
        if (list !== last) blocks.push(list);
        const cells = row(line);
        list.append(cells ? item(cells, server) : el("li", {}, ...inline(bullet[2], server)));
      } else if (line.trim() === "") {
        blocks.push(null);
      } else if (last?.tagName === "P") {
        last.append(el("br"), ...inline(line, server));
      } else {
        blocks.push(el("p", {}, ...inline(line, server)));
      }
    }
    return blocks.filter((block) => block !== null);
  }

  /** A row of a table that is too wide: its label, and each value with its name. */
  const item = ({ label, cells }, server) => el("li", {},
    el("strong", {}, ...inline(label, server)),
    ...cells.flatMap(([head, value]) => [el("br"), ...inline(`${head}: ${value}`, server)]));

  const LINE_OF_TEXT = /\n(?!\s*(?:[-*•]|\d{1,2}[.)])\s)/g;

  /**
   * The words of an answer from an article: its lines are paragraphs, and its last one may only
   * name the source, which is shown as a link below it.
   */
  function answer(text, source) {
    const at = text.lastIndexOf("\n\n");
    const credit = at < 0 ? "" : text.slice(at).trim();
    const known = source.title && credit.endsWith(source.title) && !credit.includes("\n") &&
      credit.length < source.title.length + 20;
    return (known ? text.slice(0, at) : text).replace(LINE_OF_TEXT, "\n\n");
  }

  /** Messages that stand for a line about a handoff, by the state that the line is about. */
  const TELLS = { agent_joined: "assigned", agent_left: "closed", returned: "returned",
    handoff_cancelled: "cancelled" };

  const isRating = (buttons) =>
    buttons?.length === 5 && buttons.every((b, at) => b.payload?.endsWith(String(at + 1)));

  // ---------------------------------------------------------------- the element

  class BellhopChat extends HTMLElement {
    static observedAttributes = ["open", "title", "accent", "language"];

    #session = null;
    #built = false;
    #language = "en";
    #ui = {};
    #pending = new Map();
    #choices = [];
    #handoff = null;
    #networkState = "connecting";
    #unread = 0;
    #closed = false;
    #live = false;
    #lastTypingMs = 0;
    #typingTimer = 0;
    #connectingTimer = 0;
    #draft = null;
    #following = true;

    constructor() {
      super();
      this.attachShadow({ mode: "open" });
    }

    get open() {
      return this.hasAttribute("open") || this.hasAttribute("inline");
    }

    set open(value) {
      this.toggleAttribute("open", Boolean(value));
    }

    /** Opens the panel and moves the keyboard to the message field. */
    show() {
      this.open = true;
      this.#ui.input?.focus();
    }

    /** Closes the panel and gives the keyboard back to the launcher. */
    hide() {
      const inside = this.shadowRoot.activeElement !== null;
      this.open = false;
      if (inside) this.#ui.launcher.focus();
    }

    /** Says `text` in the customer's name, as if it had been typed. */
    say(text) {
      this.open = true;
      this.#submit({ text });
    }

    connectedCallback() {
      this.#language = this.#chosenLanguage();
      if (!this.#built) this.#build();
      this.#applyAccent();
      this.#session = new Session({
        server: this.#server,
        claim: this.getAttribute("token") ?? "",
        language: this.#language,
        on: {
          event: (event) => this.#event(event),
          typing: (event) => this.#showTyping(event),
          position: (event) => this.#positionEvent(event),
          item: (item) => this.#item(item),
          state: (state) => this.#network(state),
          ready: () => this.#ready(),
          fresh: (expired) => this.#fresh(expired),
        },
      });
      this.#draft = new Shelf("sessionStorage", `bellhop:${this.#server}:`);
      this.#ui.input.value ||= this.#draft.get("draft") ?? "";
      this.#fit();
      // A conversation that is under way may be answered while the panel is closed; a new one
      // starts when the customer opens it, so that a page view alone never makes one.
      if (this.open || this.#session.known) this.#session.start();
      this.#reflectOpen();
    }

    disconnectedCallback() {
      this.#session?.stop();
      this.#session = null;
      this.#live = false;
      this.#pending.clear();
      this.#ui.log.replaceChildren();
      this.#handoff = null;
      this.#unread = 0;
    }

    attributeChangedCallback(name, before, now) {
      if (!this.#built || before === now) return;
      if (name === "open") this.#reflectOpen();
      else if (name === "accent") this.#applyAccent();
      else {
        this.#language = this.#chosenLanguage();
        this.#words();
      }
    }

    get #server() {
      const own = SCRIPT?.src ? new URL(SCRIPT.src).origin : location.origin;
      try {
        return new URL(this.getAttribute("server") || own, location.href).href.replace(/\/$/, "");
      } catch {
        console.error(`bellhop: \`server\` (data-server) is no address: ${this.getAttribute("server")}`);
        return own;
      }
    }

    #chosenLanguage() {
      const wanted = [this.getAttribute("language"), document.documentElement.lang,
        ...(navigator.languages ?? [])];
      const known = wanted.filter(Boolean).map((tag) => tag.toLowerCase().split("-")[0]);
      return known.find((tag) => tag in STRINGS) ?? "en";
    }

    /** The customer's own way to write times, where it is one of the chat's language. */
    get #locale() {
      const own = navigator.languages?.find((tag) => tag.split("-")[0] === this.#language);
      return own ?? this.#language;
    }

    #t(name, values) {
      return fill(STRINGS[this.#language][name], values);
    }

    #build() {
      this.#built = true;
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      this.shadowRoot.adoptedStyleSheets = [sheet];
      const ui = this.#ui;
      ui.badge = el("span", { class: "badge", "aria-hidden": "true", hidden: true });
      ui.launcher = el("button", { class: "launcher", type: "button", "aria-expanded": "false",
        "aria-controls": "panel", onclick: () => this.show() }, icon(...BELL), ui.badge);
      ui.title = el("h2", { id: "title" });
      ui.sub = el("p", { class: "sub" });
      ui.close = el("button", { class: "close", type: "button", onclick: () => this.hide() },
        icon("M6 6l12 12", "M18 6L6 18"));
      ui.netText = el("span", { role: "status" });
      ui.netRetry = el("button", { type: "button", hidden: true, onclick: () => {
        this.#session?.tryNow();
        this.#ui.input.focus();
      } });
      ui.net = el("div", { class: "net" }, ui.netText, ui.netRetry);
      ui.banner = el("div", { class: "banner", role: "status" });
      // The past is not read out: announcing starts when the connection has caught up.
      ui.log = el("div", { class: "log", role: "log", tabindex: "0", "aria-live": "off" });
      let logHeight = 0;
      ui.log.addEventListener("scroll", () => {
        // A log that is about to change its height scrolls by itself; nobody moved away.
        if (ui.log.clientHeight !== logHeight) return;
        this.#following = this.#atEnd();
        if (this.#following) ui.jump.hidden = true;
      });
      // Whatever takes room from the log (a banner, a longer message, an on-screen keyboard) must
      // not hide its end from somebody who was reading there.
      new ResizeObserver(() => {
        logHeight = ui.log.clientHeight;
        if (this.#following) this.#toEnd();
      }).observe(ui.log);
      ui.typing = el("div", { class: "typing", role: "status", hidden: true });
      ui.jump = el("button", { class: "plain-button jump", type: "button", hidden: true,
        onclick: () => this.#toEnd() });
      ui.input = el("textarea", { id: "input", rows: "1", maxlength: TEXT_MAX, dir: "auto",
        enterkeyhint: "send", autocomplete: "off" });
      ui.label = el("label", { class: "sr", for: "input" });
      ui.send = el("button", { class: "send", type: "submit" },
        icon("M4 12l16-8-6 16-3-7z", "M11 13l9-9"));
      ui.form = el("form", {}, ui.label, ui.input, ui.send);
      ui.humanText = el("span");
      ui.human = el("button", { class: "human", type: "button",
        onclick: () => this.#press({ payload: "/human", title: this.#t("human") }) },
      icon("M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8z", "M4.5 20a7.5 7.5 0 0 1 15 0"), ui.humanText);
      ui.panel = el("section", { class: "panel", id: "panel", "aria-labelledby": "title" },
        el("div", { class: "head" }, el("span", { class: "mark" }, icon(...BELL)),
          el("div", { class: "names" }, ui.title, ui.sub), ui.close),
        ui.net, ui.banner,
        el("div", { class: "middle" }, ui.log, ui.jump), ui.typing,
        ui.form, el("div", { class: "foot" }, ui.human));
      ui.panel.setAttribute("role", this.hasAttribute("inline") ? "region" : "dialog");
      ui.close.hidden = this.hasAttribute("inline");
      this.#listen();
      this.shadowRoot.append(ui.launcher, ui.panel);
      this.#words();
    }

    #listen() {
      const { form, input, panel } = this.#ui;
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        this.#submitTyped();
      });
      input.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        this.#submitTyped();
      });
      input.addEventListener("input", () => {
        this.#fit();
        this.#draft?.set("draft", input.value);
        const nowMs = performance.now();
        if (input.value && nowMs - this.#lastTypingMs > TYPING_EVERY_MS) {
          this.#lastTypingMs = nowMs;
          this.#session?.typing();
        }
      });
      panel.addEventListener("keydown", (event) => {
        if (event.key !== "Escape" || this.hasAttribute("inline")) return;
        event.stopPropagation();
        this.hide();
      });
    }

    /** Puts every fixed word in the chosen language. */
    #words() {
      const ui = this.#ui;
      ui.panel.lang = this.#language;
      ui.launcher.lang = this.#language;
      ui.title.textContent = this.getAttribute("title") || this.#t("title");
      ui.close.setAttribute("aria-label", this.#t("close"));
      ui.log.setAttribute("aria-label", this.#t("log"));
      ui.label.textContent = this.#t("message");
      ui.input.placeholder = this.#t("placeholder");
      ui.send.setAttribute("aria-label", this.#t("send"));
      ui.humanText.textContent = this.#t("human");
      ui.jump.textContent = this.#t("jump");
      ui.netRetry.textContent = this.#t("retry");
      this.#badge();
      this.#network(this.#networkState);
      this.#showOwner();
    }

    #applyAccent() {
      const probe = el("span");
      this.shadowRoot.append(probe);
      probe.style.color = "#7b2d3e";
      probe.style.color = this.getAttribute("accent") || "";
      if (!probe.style.color) probe.style.color = "#7b2d3e";
      const parts = getComputedStyle(probe).color.match(/[\d.]+/g)?.slice(0, 3).map(Number);
      probe.remove();
      const accent = parts?.length === 3 ? parts : [123, 45, 62];
      const white = [255, 255, 255];
      const ink = contrast(accent, white) >= 4.5 ? white : [20, 22, 26];
      const set = (name, rgb) => this.style.setProperty(name, css(rgb));
      set("--accent", contrast(accent, ink) >= 4.5 ? accent : readable(accent, ink));
      set("--on-accent", ink);
      set("--accent-on-light", readable(accent, [245, 246, 248]));
      set("--accent-on-dark", readable(accent, [39, 45, 53]));
    }

    #reflectOpen() {
      const { panel, launcher } = this.#ui;
      const open = this.open;
      panel.hidden = !open;
      launcher.hidden = open;
      launcher.setAttribute("aria-expanded", String(open));
      if (!open || !this.#session) return;
      this.#session.start();
      this.#seen();
      this.#toEnd();
    }

    // ------------------------------------------------------------ saying

    #submitTyped() {
      const { input } = this.#ui;
      const text = input.value.trim();
      input.focus();
      if (!text) return;
      input.value = "";
      this.#draft?.remove("draft");
      this.#fit();
      this.#submit({ text });
    }

    #press(choice) {
      this.#submit(choice);
      // The pressed button is gone now: the keyboard must not fall out of the panel. On touch
      // screens the message field would raise the on-screen keyboard, so the log takes it.
      const touch = matchMedia("(pointer: coarse)").matches;
      (touch ? this.#ui.log : this.#ui.input).focus();
    }

    #submit(message) {
      if (this.#closed) {
        this.#closed = false;
        this.#session?.renew();
      }
      this.#session?.send(message);
    }

    #fit() {
      const { input, send } = this.#ui;
      input.style.height = "auto";
      if (input.scrollHeight) input.style.height = `${Math.min(132, input.scrollHeight + 3)}px`;
      send.setAttribute("aria-disabled", String(!input.value.trim()));
    }

    // ------------------------------------------------------------ showing

    #event(event) {
      if (event.type === "message") this.#message(event);
      else if (event.type === "handoff") this.#handoffEvent(event);
      else if (event.type === "closed") this.#closedEvent(event);
    }

    #message(event) {
      const mine = event.from === "customer";
      this.#dropChoices();
      // The bot says in its own words what the last line says.
      const last = this.#ui.log.lastElementChild;
      if (TELLS[event.name] && last?.dataset.line === TELLS[event.name]) last.remove();
      if (!mine) this.#hideTyping();
      const waiting = mine ? this.#pending.get(event.client_msg_id) : undefined;
      if (waiting) {
        this.#pending.delete(event.client_msg_id);
        this.#settle(waiting, event);
      } else {
        this.#place(this.#bubble(event), event.seq);
      }
      if (event.from === "bot" && !this.hasAttribute("language")) this.#follow(event.language);
      if (!mine && this.#live && !this.open) this.#count(event);
      else if (!mine && !this.open && event.seq > (this.#session?.seen ?? 0)) this.#count(event);
      if (this.open) this.#seen();
    }

    #follow(tag) {
      const language = tag?.toLowerCase().split("-")[0];
      if (!(language in STRINGS) || language === this.#language) return;
      this.#language = language;
      this.#words();
    }

    #settle(node, event) {
      node.dataset.state = "delivered";
      this.#status(node, "delivered", event.at);
      const next = node.nextElementSibling;
      node.dataset.seq = event.seq;
      // Moving a node makes screen readers read it again, so it moves only when it must.
      const late = [...this.#ui.log.children].some(
        (other) => Number(other.dataset.seq) > event.seq &&
          (other.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING),
      );
      if (late || (next?.dataset.seq && Number(next.dataset.seq) < event.seq)) {
        this.#place(node, event.seq);
      }
    }

    #bubble(event) {
      const mine = event.from === "customer";
      const who = mine ? this.#t("you") : (event.from === "agent" && event.agent) ||
        this.#t("assistant");
      const text = mine ? this.#shownFor(event.text ?? "") : event.text ?? "";
      const plain = mine || event.from === "agent";
      const body = plain ? [text]
        : paragraphs(event.source ? answer(text, event.source) : text, this.#server);
      const name = event.from === "agent"
        ? el("span", { class: "who", "aria-hidden": "true", dir: "auto", text: who }) : null;
      const node = el("div", { class: "msg", "data-from": event.from },
        el("span", { class: "sr", text: this.#t("said", { who }) }),
        name,
        el("div", { class: plain ? "bubble plain" : "bubble", dir: "auto",
          lang: event.language }, ...body));
      if (event.source) node.append(this.#source(event.source));
      if (event.links?.length) node.append(this.#links(event.links));
      if (event.buttons?.length) node.append(this.#offer(event.buttons));
      const meta = el("div", { class: "meta" });
      node.append(meta);
      if (mine) {
        node.dataset.state = "delivered";
        this.#status(node, "delivered", event.at);
      }
      return node;
    }

    /** Buttons of the widget's own are stored as their payloads where the bot names none. */
    #shownFor(text) {
      if (text === "/human") return this.#t("human");
      return text === "/cancel" ? this.#t("leave") : text;
    }

    #source({ title, section, url, article }) {
      const name = [title ?? article, section].filter(Boolean).join(" – ");
      const address = url ? safeUrl(url, this.#server) : null;
      return el("div", { class: "source" },
        icon("M6 4h9l4 4v12H6z", "M14 4v5h5", "M9 13h6", "M9 16.5h6"),
        el("span", {}, `${this.#t("source")}: `, address ? outside(address, name) : name));
    }

    #links(links) {
      const items = links
        .map(({ title, url }) => [title, safeUrl(url, this.#server)])
        .filter(([, url]) => url)
        .map(([title, url]) => el("li", {}, outside(url, title || url,
          icon("M14 4h6v6", "M20 4l-9 9", "M18 14v6H4V6h6"))));
      return el("ul", { class: "links", "aria-label": this.#t("links") }, ...items);
    }

    #offer(buttons) {
      const rating = isRating(buttons);
      const label = this.#t(rating ? "rate" : "replies");
      const box = el("div", { class: rating ? "choices rating" : "choices", role: "group",
        "aria-label": label });
      buttons.forEach(({ title, payload }, at) => {
        const button = el("button", { type: "button", text: rating ? at + 1 : title,
          onclick: () => this.#press({ payload, title }) });
        if (rating) button.setAttribute("aria-label", this.#t("rate_of", { n: at + 1 }));
        box.append(button);
      });
      if (rating) {
        box.append(el("span", { text: this.#t("rate_low") }),
          el("span", { text: this.#t("rate_high") }));
      }
      this.#choices.push(box);
      return box;
    }

    /** Choices belong to the last thing said; what was said since makes them void. */
    #dropChoices() {
      for (const box of this.#choices) {
        if (box.contains(this.shadowRoot.activeElement)) this.#ui.log.focus();
        box.remove();
      }
      this.#choices = [];
    }

    /** A message that is not in the transcript yet. */
    #item(item) {
      let node = this.#pending.get(item.client_msg_id);
      if (!node && item.state !== "sending") return;
      if (!node) {
        this.#dropChoices();
        node = this.#bubble({ from: "customer", text: item.title ?? item.text ?? item.payload });
        this.#pending.set(item.client_msg_id, node);
        this.#ui.log.append(node);
        this.#toEnd();
      }
      // What is refused is not being answered.
      if (item.state === "refused") this.#hideTyping();
      node.dataset.state = item.state;
      this.#status(node, item.state, undefined, item);
    }

    #status(node, state, at, item) {
      const meta = node.querySelector(".meta");
      const words = this.#t(state);
      const ticks = { sent: ["M5 13l4 4L19 7"], delivered: ["M2 13l4 4L16 7", "M9 15l2 2L21 7"],
        sending: ["M12 7v5l3 2", "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z"] }[state];
      const time = at ? new Date(at) : new Date();
      const clock = time.toLocaleTimeString(this.#locale, { hour: "2-digit", minute: "2-digit" });
      meta.replaceChildren();
      if (state === "refused") {
        meta.append(item?.reason ? `${words}: ${item.reason}` : words,
          el("button", { type: "button", text: this.#t("retry"),
            onclick: () => this.#session?.retry(item.client_msg_id) }),
          el("button", { type: "button", text: this.#t("discard"), onclick: () => {
            this.#session?.discard(item.client_msg_id);
            this.#pending.delete(item.client_msg_id);
            node.remove();
            this.#ui.input.focus();
          } }));
        return;
      }
      // Times and ticks would be read out with every change, so the log leaves them alone.
      meta.setAttribute("aria-live", "off");
      meta.append(clock, icon(...ticks), el("span", { class: "sr", text: words }));
    }

    #place(node, seq) {
      node.dataset.seq = seq;
      const { log } = this.#ui;
      const stick = this.#following;
      let before = null;
      for (let at = log.lastElementChild; at; at = at.previousElementSibling) {
        if (at === node) continue;
        if (Number(at.dataset.seq ?? Infinity) > seq) before = at;
        else break;
      }
      log.insertBefore(node, before);
      if (stick || !this.#live) this.#toEnd();
      else this.#ui.jump.hidden = false;
    }

    #line(text, seq, divide = false, ...more) {
      const node = el("div", { class: divide ? "line divide" : "line" }, el("span", { text }),
        ...more);
      this.#place(node, seq);
      return node;
    }

    #handoffEvent(event) {
      // Another answers from here on.
      if (event.state !== this.#handoff?.state) this.#hideTyping();
      const agent = event.agent ?? this.#handoff?.agent ?? this.#t("someone");
      const lines = {
        assigned: () => this.#t("joined", { agent }),
        returned: () => this.#t("returned"),
        cancelled: () => this.#t("cancelled"),
        closed: () => (this.#handoff?.state === "assigned" ? this.#t("left", { agent }) : null),
      };
      const changed = this.#handoff?.state !== event.state || this.#handoff?.agent !== event.agent;
      const line = changed ? lines[event.state]?.() : null;
      if (line) this.#line(line, event.seq).dataset.line = event.state;
      const over = ["returned", "cancelled", "closed"].includes(event.state);
      if (event.state === "assigned") this.#dropChoices();
      this.#handoff = over ? null : event;
      this.#showOwner();
    }

    /** Where the customer stands now; it has no place in the transcript. */
    #positionEvent({ handoff_id: id, queue_title: title, position, wait_s: waitS }) {
      if (this.#handoff?.state !== "queued" || this.#handoff.handoff_id !== id) return;
      this.#handoff = { ...this.#handoff, queue_title: title, position, wait_s: waitS };
      this.#showOwner();
    }

    #showOwner() {
      const { banner, sub, human } = this.#ui;
      const state = this.#handoff?.state;
      const agent = this.#handoff?.agent ?? this.#t("someone");
      human.hidden = state === "queued" || state === "assigned";
      banner.replaceChildren();
      if (state === "queued") {
        const { queue_title: queue, position, wait_s: waitS } = this.#handoff;
        const where = position === 1 ? this.#t("next")
          : position ? this.#t("position", { position }) : null;
        const minutes = Math.round((waitS ?? 0) / 60);
        const wait = waitS === undefined || waitS === null ? null
          : minutes < 1 ? this.#t("wait_short") : this.#t("wait", { minutes });
        banner.append(
          el("span", {}, el("strong", { text: queue ? this.#t("waiting", { queue })
            : this.#t("waiting_plain") }), [where, wait].filter(Boolean).join(" · ")),
          el("button", { class: "plain-button", type: "button", text: this.#t("leave"),
            onclick: () => this.#press({ payload: "/cancel", title: this.#t("leave") }) }));
      }
      sub.textContent = state === "assigned" ? this.#t("agent_sub", { agent })
        : this.#t(state === "queued" ? "queued_sub" : "bot_sub");
    }

    #closedEvent(event) {
      this.#closed = true;
      this.#handoff = null;
      this.#hideTyping();
      this.#dropChoices();
      this.#showOwner();
      const again = el("button", { class: "plain-button", type: "button", text: this.#t("again"),
        onclick: () => {
          again.remove();
          this.#closed = false;
          this.#session?.renew();
          this.#ui.input.focus();
        } });
      this.#line(this.#t("closed"), event.seq, false, again);
    }

    /** A new conversation begins below what is on the screen. */
    #fresh(expired) {
      this.#handoff = null;
      this.#closed = false;
      this.#hideTyping();
      this.#dropChoices();
      this.#showOwner();
      const { log } = this.#ui;
      const had = log.querySelector("[data-seq]") !== null;
      for (const old of log.querySelectorAll("[data-seq]")) old.dataset.seq = -1;
      for (const button of log.querySelectorAll(".line button")) button.remove();
      if (expired) this.#line(this.#t("expired"), 0, true);
      else if (had) this.#line(this.#t("fresh"), 0, true);
      // A message that was accepted but not yet seen in the transcript died with the old one.
      for (const [id, node] of this.#pending) {
        if (node.dataset.state === "sent") {
          node.dataset.seq = -1;
          this.#pending.delete(id);
        }
      }
    }

    #ready() {
      if (this.#live) return;
      this.#live = true;
      this.#toEnd();
      requestAnimationFrame(() => this.#ui.log.setAttribute("aria-live", "polite"));
    }

    #network(state) {
      clearTimeout(this.#connectingTimer);
      // Who was typing before the connection went may have stopped since.
      if (state !== this.#networkState) this.#hideTyping();
      this.#networkState = state;
      this.dataset.network = state;
      // Most connections are there before anybody could read this.
      if (state === "connecting") {
        this.#connectingTimer = setTimeout(() => this.#showNetwork(), CONNECTING_TELL_MS);
      } else this.#showNetwork();
    }

    #showNetwork() {
      const { netText, netRetry } = this.#ui;
      const state = this.#networkState;
      const text = state === "online" ? "" : this.#t(state);
      if (netText.textContent !== text) netText.textContent = text;
      netRetry.hidden = !["unreachable", "busy", "unavailable"].includes(state);
    }

    /** Somebody on the other side is at work, as far as it is theirs to answer. */
    #showTyping(event) {
      const withAgent = this.#handoff?.state === "assigned";
      const answers = withAgent ? "agent" : "bot";
      if (event.from !== answers) return;
      clearTimeout(this.#typingTimer);
      const { typing } = this.#ui;
      if (!event.on) {
        this.#hideTyping();
        return;
      }
      const who = withAgent ? this.#handoff.agent ?? this.#t("someone") : this.#t("assistant");
      const text = this.#t("typing", { who });
      if (typing.hidden || typing.textContent !== text) {
        typing.replaceChildren(el("span", { class: "dots", "aria-hidden": "true" },
          el("i"), el("i"), el("i")), el("span", { text }));
      }
      typing.hidden = false;
      this.#typingTimer = setTimeout(() => this.#hideTyping(), TYPING_FADES_MS);
    }

    #hideTyping() {
      clearTimeout(this.#typingTimer);
      this.#ui.typing.hidden = true;
    }

    #count() {
      this.#unread += 1;
      this.#badge();
    }

    #seen() {
      this.#unread = 0;
      this.#badge();
      this.#session?.markSeen();
    }

    #badge() {
      const { badge, launcher } = this.#ui;
      badge.hidden = this.#unread === 0;
      badge.textContent = String(this.#unread);
      launcher.setAttribute("aria-label", this.#unread
        ? this.#t("open_unread", { count: this.#unread }) : this.#t("open"));
    }

    #atEnd() {
      const { log } = this.#ui;
      return log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    }

    #toEnd() {
      const { log, jump } = this.#ui;
      this.#following = true;
      log.scrollTop = log.scrollHeight;
      jump.hidden = true;
    }
  }

  customElements.define(TAG, BellhopChat);

  // A bare script tag is enough: it brings its own launcher unless the page placed the element.
  function insert() {
    if (!SCRIPT || "manual" in SCRIPT.dataset || document.querySelector(TAG)) return;
    const chat = document.createElement(TAG);
    const names = ["server", "token", "language", "open", "inline", "title", "accent", "theme"];
    for (const name of names) {
      if (name in SCRIPT.dataset) chat.setAttribute(name, SCRIPT.dataset[name]);
    }
    document.body.append(chat);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", insert);
  else insert();
})();
