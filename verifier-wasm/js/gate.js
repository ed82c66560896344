// The gate as JavaScript has it: options in, decisions out, and the fetching behind it.
//
// `Core` is the gate itself, in WebAssembly; `Fetching` keeps its keys and its feed up to date. This
// file brings the two together, for the host that one of `node.js`, `browser.js` and `workerd.js` is.

import { Core } from './core.js';
import { Decision, FAILURE } from './decision.js';
import { SignetError } from './error.js';
import { Fetching } from './fetching.js';
import { Learned } from './learned.js';
import { readOptions } from './options.js';

/** How long a decision waits for what is on its way at most, and how often it looks, in milliseconds. */
const PATIENCE = 1_000;
const LOOK = 5;

/** The shortest time between two instances, so that one that can't live isn't tried all the time. */
const RENEWAL_SPACING = 1_000;

/** More than any token has. Of what is longer, the beginning is too long as well. */
const LONGEST_TOKEN = 1 << 16;

const FAILED = ['gate_failed', 'the gate failed and is being made anew: refuse the request with 503'];

export class Gate {
  #module;
  #options;
  #core = null;
  #learned = new Learned();
  #fetching = null;
  #renewedAt = -Infinity;
  #isClosed = false;

  constructor(module, options) {
    if (!(module instanceof WebAssembly.Module)) throw new TypeError('a gate is made by `await Gate.load(…)`');
    this.#module = module;
    this.#options = options;
    this.#make((core) => this.#tellOptions(core));
    this.#fetching?.start();
  }

  static async load(options = {}) {
    const read = readOptions(options, this.host);
    const gate = new this(await compiled(read.wasm ?? this.host.module()), read);
    if (!read.offline && read.keys === null) await gate.#fetchFirst();
    return gate;
  }

  get issuer() {
    return this.#options.issuer;
  }

  decide(request) {
    return new Decision(this.#judge(request));
  }

  async decideFresh(request) {
    let judged = this.#judge(request);
    if (this.#mayChange(judged)) {
      // Looked at again and again instead of awaiting the fetch, since on Workers it may be that of
      // another request, whose promises this one must not await.
      await until(PATIENCE, () => {
        this.#fetching?.hasten();
        judged = this.#judge(request);
        return !this.#mayChange(judged);
      });
    }
    return new Decision(judged);
  }

  async admit(request) {
    const { method, url, headers } = request;
    const decision = await this.decideFresh({ method, target: targetOf(url), headers }).catch((error) => {
      if (error.code === FAILED[0]) return { isAllowed: false, answer: FAILURE };
      throw error;
    });
    if (!decision.isAllowed) {
      const { status, headers, body } = decision.answer;
      return new Response(method === 'HEAD' ? null : body, { status, headers });
    }
    const cleaned = new Headers(headers);
    for (const name of decision.remove) cleaned.delete(name);
    for (const [name, value] of decision.set) cleaned.set(name, value);
    return new Request(request, { headers: cleaned });
  }

  verify(token) {
    if (typeof token !== 'string') throw new TypeError('a token is a string');
    const core = this.#knowing();
    let result;
    try {
      result = core.verify(token.slice(0, LONGEST_TOKEN), this.#seconds());
    } catch (error) {
      throw this.#afterwards(error);
    }
    const { identity, code, reason } = result;
    if (identity !== null) return identity;
    if (code === 'keys_unavailable' || reason === 'unknown_kid') this.#fetching?.want('keys');
    throw new SignetError(code, REFUSALS[code], { reason });
  }

  installKeys(keys) {
    const text = textOf(keys);
    const fault = this.#ask((core) => core.installKeys(text));
    if (fault !== null) throw faulty('invalid_keys', 'the keys can\'t be used', fault);
    this.#learned.installed(text);
  }

  applyFeed(feed) {
    const { done, fault } = this.#ask((core) => core.applyFeed(feed, this.#seconds()));
    if (fault !== null) throw faulty('feed_ignored', 'the feed is ignored', fault);
    this.#learned.applied(feed, done);
    return done;
  }

  async refresh() {
    await this.#fetching?.begin();
  }

  status() {
    return this.#ask((core) => core.status(this.#options.now()));
  }

  close() {
    this.#isClosed = true;
    this.#fetching?.end();
  }

  [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() {
    this.close();
  }

  /** What comes of a request, before it is a decision; notes what it lacks. */
  #judge(request) {
    const texts = textsOf(request);
    const core = this.#knowing();
    let result;
    try {
      result = core.decide(texts, this.#seconds());
    } catch (error) {
      throw this.#afterwards(error);
    }
    if (result.refused !== null && result.lacks !== null) this.#fetching?.want(result.lacks);
    return result;
  }

  /** Whether what is about to come may change a decision, so that it is worth waiting for. */
  #mayChange(judged) {
    if (this.#fetching === null || this.#isClosed) return false;
    if (judged.refused !== null) return judged.lacks === 'feed' && this.#expectsFeed();
    return this.#ask((core) => core.isOverdue(judged, this.#options.now()));
  }

  /** Makes the instance, has it told what it is to know, and gets ready to fetch. */
  #make(tell) {
    const { policy, leeway, tables, offline, keysUrl, feedUrl, maxStale } = this.#options;
    const core = new Core(this.#module);
    const faults = core.open(policy, leeway, tables);
    if (faults !== null) {
      throw new SignetError('invalid_policy', `the policy has faults; \`signet policy check\` says where:\n${faults}`);
    }
    const fault = tell(core);
    if (fault !== null) throw faulty('invalid_keys', 'the keys can\'t be used', fault);
    this.#core = core;
    if (offline || this.#isClosed) return;
    core.refresh(keysUrl, feedUrl, maxStale, Math.random() * 2 ** 32);
    const onError = (error) => this.#afterwards(error);
    this.#fetching = new Fetching(core, this.#options, (document) => this.#learned.fetched(document), onError);
  }

  /** Tells the first instance what the options say; answers why it can't use the keys, or null. */
  #tellOptions(core) {
    const { keys, feeds } = this.#options;
    if (keys !== null) {
      const fault = core.installKeys(keys);
      if (fault !== null) return fault;
      this.#learned.installed(keys);
    }
    for (const feed of feeds) {
      const { done, fault } = core.applyFeed(feed, this.#seconds());
      // One that is refused changes nothing, as one that was fetched wouldn't.
      if (fault === null) this.#learned.applied(feed, done);
    }
    return null;
  }

  async #fetchFirst() {
    let keys;
    await until(Infinity, () => {
      this.#fetching?.hasten();
      ({ keys } = this.status());
      return keys.usable || keys.lastFault !== null;
    });
    if (!keys.usable) {
      this.close();
      const { issuer, keysUrl } = this.#options;
      const url = keysUrl || `${issuer}/.well-known/jwks.json`;
      throw new SignetError(
        'keys_unavailable',
        `the keys of ${issuer} can't be had from ${url} (${keys.lastFault}): see that the issuer runs there, or ` +
          'begin with pinned `keys`',
        { reason: keys.lastFault },
      );
    }
    // What is required of a feed, each decision sees to by itself.
    await until(PATIENCE, () => this.status().feed.fresh || !this.#expectsFeed());
  }

  /** Whether a feed may come soon: one is fetched, and the last fetch didn't fail. */
  #expectsFeed() {
    if (this.#fetching === null || this.#isClosed) return false;
    const { failures, lastFault } = this.status().feed;
    // One that came before its key is fetched again.
    return failures === 0 || lastFault === 'unknown_kid';
  }

  #seconds() {
    const now = this.#options.now();
    return typeof now === 'bigint' ? now / 1000n : Math.floor(now / 1000);
  }

  #ask(question) {
    const core = this.#living();
    try {
      return question(core);
    } catch (error) {
      throw this.#afterwards(error);
    }
  }

  #living() {
    if (this.#core === null) this.#renew();
    return this.#core;
  }

  /** The instance, if it knows what there is to know for a decision. */
  #knowing() {
    const core = this.#living();
    if (!this.#ask(() => this.#learned.isComplete(core, this.#seconds()))) throw new SignetError(...FAILED);
    return core;
  }

  /** What to throw after an error. After a trap, the instance is not to be trusted any more. */
  #afterwards(error) {
    if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) return error;
    this.#fetching?.end();
    this.#fetching = null;
    this.#core = null;
    const failure = new SignetError(...FAILED, { cause: error });
    try {
      this.#renew();
    } catch {
      // It is tried again with the next question.
    }
    return failure;
  }

  #renew() {
    const now = performance.now();
    if (now - this.#renewedAt < RENEWAL_SPACING) throw new SignetError(...FAILED);
    this.#renewedAt = now;
    this.#make((core) => this.#learned.tell(core, this.#seconds()));
    // Otherwise `refresh` does, which is kept alive: the request that met the trap is about to end.
    if (this.#options.timer) this.#fetching?.start();
  }
}

/** What to do about a token that is refused. */
const REFUSALS = {
  invalid_token: 'the token is not valid: refresh the session, or log in again',
  keys_unavailable: 'there are no keys to check the token with: the issuer could not be asked',
};

/** The texts of a request: the method, the target, then name and value of each header. */
function textsOf({ method, target, headers }) {
  if (typeof headers?.[Symbol.iterator] !== 'function' || typeof headers === 'string') {
    throw new TypeError('headers must be `rawHeaders`, a Headers or pairs: an object has lost what came twice');
  }
  const texts = [method, target];
  if (Array.isArray(headers) && typeof headers[0] === 'string') {
    if (headers.length % 2 !== 0) throw new TypeError('headers must be names and values in turn');
    for (let index = 0; index < headers.length; index += 2) {
      if (mayMatter(headers[index])) texts.push(headers[index], headers[index + 1]);
    }
  } else {
    for (const [name, value] of headers) if (mayMatter(name)) texts.push(name, value);
  }
  return texts;
}

/**
 * Whether the gate may look at headers of this name. Copying the others would take as long as the
 * decision. Which it does look at, `Role::of` in shared/src/gate/hygiene.rs knows: all that begin with
 * an `x`, and some others, of which this goes by the first letter and the length.
 */
function mayMatter(name) {
  switch (name.charCodeAt(0) | 0x20) {
    case 0x78: // x
      return true;
    case 0x61: // authorization, access-control-request-method
      return name.length === 13 || name.length === 29;
    case 0x63: // connection
      return name.length === 10;
    case 0x6f: // origin
      return name.length === 6;
    default:
      return false;
  }
}

/** The target in a URL, as it stands there: whoever takes a URL apart writes it anew. */
function targetOf(url) {
  return url.slice(url.indexOf('/', url.indexOf('//') + 2));
}

/** An error about what was given, of which the verifier tells code and text. */
function faulty(code, what, fault) {
  const [reason, text] = fault.split('\n');
  return new SignetError(code, `${what}: ${text}`, { reason });
}

function textOf(json) {
  return typeof json === 'string' || json instanceof Uint8Array ? json : JSON.stringify(json);
}

/** Waits until something is so, or so many milliseconds are over. */
async function until(patience, isSo) {
  const end = performance.now() + patience;
  while (!isSo() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, LOOK));
}

async function compiled(source) {
  const wasm = await source;
  if (wasm instanceof WebAssembly.Module) return wasm;
  if (wasm instanceof ArrayBuffer || ArrayBuffer.isView(wasm)) return WebAssembly.compile(wasm);
  const response = wasm instanceof Response ? wasm : await fetch(wasm);
  if (!response.ok) {
    throw new SignetError('wasm_unavailable', `${response.url} answers ${response.status}: serve verifier.wasm there, or give \`wasm\``);
  }
  return WebAssembly.compile(await response.arrayBuffer());
}
