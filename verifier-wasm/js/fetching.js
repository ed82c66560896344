// Asking the issuer, as the verifier's refresher wants it asked: it says what to fetch and when, and
// judges what comes. What it says and judges is in `shared/src/refresher.rs`.

/** How long nobody looks at the clock at most, in milliseconds: timers stand still while a machine sleeps. */
const LONGEST_PAUSE = 5_000;

/** The statuses of `respond` that aren't HTTP's. */
const FAILED = 0;
const TOO_LARGE = 1;

export class Fetching {
  #core;
  #now;
  #fetch;
  #host;
  #timer;
  #hasTimer;
  #onTaken;
  #onError;
  /** The documents that decisions have lacked since they were last fetched. */
  #wanted = new Set();
  #end = new AbortController();

  constructor(core, { now, fetch, host, timer }, onTaken, onError) {
    this.#core = core;
    this.#onTaken = onTaken;
    this.#onError = onError;
    this.#now = now;
    this.#fetch = fetch;
    this.#host = host;
    this.#hasTimer = timer;
  }

  /** Begins whatever is due, and leaves it to itself. */
  start() {
    this.begin().catch(this.#onError);
  }

  /** Begins whatever is due; answers when it has come, and what became due by that as well. */
  async begin() {
    if (this.#end.signal.aborted) return;
    const begun = [];
    let next = this.#core.poll(this.#now());
    while (next.pause === undefined) {
      this.#wanted.delete(next.document);
      begun.push(this.#get(next));
      next = this.#core.poll(this.#now());
    }
    if (this.#hasTimer) this.#sleep(next.pause);
    await Promise.all(begun);
  }

  /**
   * Notes that a decision lacked a document, and begins to fetch it as soon as that is due. Without a timer
   * that is left to whoever can keep the fetch alive: on Workers it would end with the request.
   */
  want(document) {
    if (this.#end.signal.aborted || this.#wanted.has(document)) return;
    this.#wanted.add(document);
    this.#core.want(document, this.#now());
    if (this.#hasTimer) this.start();
  }

  /** Begins whatever is due, if no timer does. */
  hasten() {
    if (!this.#hasTimer) this.start();
  }

  end() {
    clearTimeout(this.#timer);
    this.#end.abort();
  }

  #sleep(pause) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.start(), Math.min(pause, LONGEST_PAUSE));
    // What only waits shouldn't keep Node.js running.
    this.#timer.unref?.();
  }

  async #get(wanted) {
    const response = await this.#ask(wanted).catch(() => ({ status: FAILED, tag: '', body: new Uint8Array() }));
    if (this.#end.signal.aborted) return;
    if (this.#core.respond(wanted, response, this.#now())) this.#onTaken(wanted.document);
    // Whoever wants the document after this wants a newer one.
    this.#wanted.delete(wanted.document);
    await this.begin();
  }

  async #ask({ url, tag, mostBytes, timeout }) {
    const signal = AbortSignal.any([this.#end.signal, AbortSignal.timeout(timeout)]);
    const response = await this.#fetch(url, { ...this.#host.request(tag), signal });
    const body = await read(response, mostBytes);
    if (body === null) return { status: TOO_LARGE, tag: '', body: new Uint8Array() };
    return { status: response.status, tag: response.headers.get('etag') ?? '', body };
  }
}

/** The body, if it has at most so many bytes. Nothing beyond them is read. */
async function read(response, most) {
  const chunks = [];
  let length = 0;
  if (response.body !== null) {
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      length += part.value.length;
      if (length > most) {
        await reader.cancel();
        return null;
      }
      chunks.push(part.value);
    }
  }
  const body = new Uint8Array(length);
  let place = 0;
  for (const chunk of chunks) {
    body.set(chunk, place);
    place += chunk.length;
  }
  return body;
}
