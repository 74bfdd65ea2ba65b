// The desk's way to the server: calls with the staff token, and the stream of changes.
// Must never put the token into an address: addresses end up in logs and histories.

/** Longest that a file may take: the server gives up after two minutes. */
const FILE_LIMIT_MS = 125_000;

/** An answer that is not 2xx: its status, and what the problem document says to a person. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `the server answered ${status}`);
    this.status = status;
  }
}

export class Api {
  #token;

  constructor(token) {
    this.#token = token;
  }

  get(path) {
    return this.#call("GET", path);
  }

  post(path, body = {}) {
    return this.#call("POST", path, body);
  }

  put(path, body) {
    return this.#call("PUT", path, body);
  }

  /** A file, and whether it may be shown: everything else is for the disk. */
  async file(path) {
    const headers = { authorization: `Bearer ${this.#token}` };
    const signal = AbortSignal.timeout(FILE_LIMIT_MS);
    const response = await fetch(path, { headers, signal, cache: "no-store" });
    if (!response.ok) throw new Refused(response.status, await response.json().catch(() => ({})));
    const shown = response.headers.get("content-disposition")?.startsWith("inline") ?? false;
    return { blob: await response.blob(), shown };
  }

  async #call(method, path, body) {
    const headers = this.#token ? { authorization: `Bearer ${this.#token}` } : {};
    if (body !== undefined) headers["content-type"] = "application/json";
    const signal = AbortSignal.timeout(15_000);
    const options = { method, headers, signal, cache: "no-store" };
    if (body !== undefined) options.body = JSON.stringify(body);
    const response = await fetch(path, options);
    if (response.ok) {
      const text = await response.text();
      return text ? JSON.parse(text) : {};
    }
    throw new Refused(response.status, await response.json().catch(() => ({})));
  }

  /**
   * Gives every change to `each` until `signal` aborts, over as many connections as it takes.
   * `state("online")` comes with each new connection: whatever happened in between was missed.
   */
  async follow(each, state, signal) {
    let failures = 0;
    while (!signal.aborted) {
      try {
        const headers = { authorization: `Bearer ${this.#token}`, accept: "text/event-stream" };
        const response = await fetch("/v1/desk/events", { headers, signal, cache: "no-store" });
        if (response.status === 401) return state("signed-out");
        if (!response.ok) throw new Refused(response.status, {});
        failures = 0;
        state("online");
        await readEvents(response.body, each);
      } catch {
        if (signal.aborted) return;
      }
      state("reconnecting");
      failures += 1;
      const ceiling = Math.min(15_000, 500 * 2 ** (failures - 1));
      await pause(ceiling * (0.5 + Math.random() / 2), signal);
    }
  }
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      window.removeEventListener("online", end);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    window.addEventListener("online", end);
    signal.addEventListener("abort", end);
  });
}

async function readEvents(body, each) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  // A browser that went offline may leave the stream hanging without an error.
  const cut = () => reader.cancel();
  window.addEventListener("offline", cut);
  try {
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop();
      for (const block of blocks) {
        const data = block.split(/\r?\n/)
          .filter((line) => line.startsWith("data:"))
          .map((line) => line.slice(5).replace(/^ /, ""))
          .join("\n");
        if (data) each(JSON.parse(data));
      }
    }
  } finally {
    window.removeEventListener("offline", cut);
  }
}
