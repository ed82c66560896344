// One gate in one instance of the WebAssembly module: what `verifier-wasm/src/lib.rs` exports, in
// JavaScript's values. Nothing is decided here.
//
// Texts of requests are Latin-1, a character for each byte. What isn't can't have come over a wire.

import { HEADERS, Identity } from './identity.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The longest head of a request that is looked at, in bytes. Servers take 16 to 64 KiB. */
const LONGEST_HEAD = 1 << 20;

/** The places of `Results` in exchange.rs, in words. */
const [TEXT, TEXT_LENGTH, OUTCOME, RULE, RULE_LENGTH, SLOT, IDENTITY_LENGTH, LACKS, RESTS_ON] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const RESULTS = 9;

/** The head of a request that can't be read: it has no method. */
const UNREADABLE = ['', ''];

const NOTHING = Object.freeze([]);

/** What a decision may lack, by its number. */
const DOCUMENTS = [null, 'keys', 'feed'];

export class Core {
  #exports;
  #memory;
  /** Where texts are written, as far as there is room. */
  #input;
  #view;
  #results;
  /** Identities by their slot, with the headers that were made of them. */
  #identities = [];
  /** Ids of rules by where they stand, which they do for good. */
  #rules = new Map();

  constructor(module) {
    // The one import would set up a table for JavaScript's values, none of which go in.
    const none = { __wbindgen_init_externref_table() {} };
    const imports = Object.fromEntries(WebAssembly.Module.imports(module).map((it) => [it.module, none]));
    this.#exports = new WebAssembly.Instance(module, imports).exports;
    this.#memory = this.#exports.memory;
    this.#reserve(4096);
  }

  /** Opens the gate; answers the faults of its policy, or null. */
  open(policy, leeway, tables) {
    const length = this.#write(policy);
    return this.#fault(this.#exports.open(length, low(leeway), high(leeway), tables));
  }

  /** Pins keys; answers why it can't, code and text, or null. */
  installKeys(jwks) {
    return this.#fault(this.#exports.install_keys(this.#write(jwks)));
  }

  /** Applies a feed; answers what it did, or code and text of why it is ignored. */
  applyFeed(feed, now) {
    const done = this.#exports.apply_feed(this.#write(feed), low(now), high(now));
    return done === 1 ? { done: this.#text(), fault: null } : { done: null, fault: this.#text() };
  }

  /** Begins to refresh. */
  refresh(keysUrl, feedUrl, maxStale, seed) {
    this.#exports.refresh(this.#write(`${keysUrl}\n${feedUrl}`), maxStale, seed);
  }

  /** What to fetch now, or in how many milliseconds to ask again. */
  poll(now) {
    if (this.#exports.poll(low(now), high(now)) !== 1) return { pause: Number(this.#text()) };
    const [document, number, mostBytes, timeout, url, tag] = this.#text().split('\n');
    return { document, number: Number(number), mostBytes: Number(mostBytes), timeout: Number(timeout), url, tag };
  }

  /** Hands on what came of a fetch; answers whether it was good. */
  respond({ document, number }, { status, tag, body }, now) {
    const tagBytes = encoder.encode(tag);
    const length = tagBytes.length + body.length;
    this.#reserve(length);
    this.#input.set(tagBytes);
    this.#input.set(body, tagBytes.length);
    const isFeed = document === 'feed';
    return this.#exports.respond(isFeed, number, status, tagBytes.length, length, low(now), high(now)) === 1;
  }

  /** Notes that a decision lacked a document. */
  want(document, now) {
    this.#exports.want(document === 'feed', low(now), high(now));
  }

  /** Whether somebody would be let through by keys or by a feed that is old, and newer may be there soon. */
  isOverdue({ restsOn }, now) {
    const is = (isFeed) => this.#exports.is_overdue(isFeed, low(now), high(now)) === 1;
    return (restsOn >= 1 && is(false)) || (restsOn >= 2 && is(true));
  }

  status(now) {
    this.#exports.status(low(now), high(now));
    return JSON.parse(this.#text());
  }

  /**
   * Decides about a request, whose texts are the method, the target, and each header's name and value.
   * Answers what there is to do, or `refused`: the decision's line, then names and values of the answer's
   * headers and its body.
   */
  decide(texts, now) {
    let count = texts.length;
    let length = this.#writeHead(texts);
    if (length === 0) {
      count = UNREADABLE.length;
      length = this.#writeHead(UNREADABLE);
    }
    succeeded(this.#exports.decide(length, count, low(now), high(now)));
    const results = this.#read();
    if (results[OUTCOME] === 0) {
      return { refused: this.#text().split('\n'), lacks: DOCUMENTS[results[LACKS]] };
    }
    const rule = results[RULE] === 0 ? null : this.#rule(results);
    const identity = results[SLOT] === 0 ? null : this.#identity(results);
    return {
      refused: null,
      rule,
      identity,
      restsOn: results[RESTS_ON],
      set: identity === null ? NOTHING : identity[HEADERS](rule),
      remove: results[TEXT_LENGTH] === results[IDENTITY_LENGTH] ? NOTHING : this.#removed(results),
    };
  }

  /** Who has a token: the identity, or code and reason of the refusal. */
  verify(token, now) {
    succeeded(this.#exports.verify(this.#write(token), low(now), high(now)));
    const results = this.#read();
    if (results[OUTCOME] !== 0) return { identity: this.#identity(results) };
    const [code, reason] = this.#text().split('\n');
    return { identity: null, code, reason: reason || null };
  }

  /** Writes a text or bytes; answers how many. */
  #write(text) {
    if (typeof text !== 'string') {
      this.#reserve(text.length);
      this.#input.set(text);
      return text.length;
    }
    this.#reserve(text.length * 3);
    return encoder.encodeInto(text, this.#input).written;
  }

  /** Writes texts and their lengths; answers how many bytes, or 0 where they can't have come over a wire. */
  #writeHead(texts) {
    const text = texts.join('');
    const end = text.length;
    const length = end + 4 * texts.length;
    if (length > LONGEST_HEAD) return 0;
    this.#reserve(length);
    const input = this.#input;
    // As UTF-8 a text has as many bytes as characters only if it is ASCII, and then it is Latin-1 as well.
    const { read, written } = encoder.encodeInto(text, input);
    if ((read !== end || written !== end) && !writeLatin1(text, input)) return 0;
    const view = this.#view;
    for (let index = 0, place = end; index < texts.length; index += 1, place += 4) {
      const part = texts[index];
      if (typeof part !== 'string') throw new TypeError('method, target, names and values are strings');
      view.setUint32(place, part.length, true);
    }
    return length;
  }

  /** Makes room for so many bytes, and looks at where memory is now. */
  #reserve(length) {
    if (this.#input !== undefined && this.#input.length >= length) return;
    const room = Math.max(length, 4096);
    const place = this.#exports.reserve(room);
    const { buffer } = this.#memory;
    this.#input = new Uint8Array(buffer, place, room);
    this.#view = new DataView(buffer, place, room);
    this.#results = new Uint32Array(buffer, this.#exports.results(), RESULTS);
  }

  /** The results, looked at anew if memory has grown: then the old view is empty, and so is `#input`. */
  #read() {
    if (this.#results.length === 0) this.#reserve(1);
    return this.#results;
  }

  #bytes(place, length) {
    return new Uint8Array(this.#memory.buffer, place, length);
  }

  #text() {
    const results = this.#read();
    return decoder.decode(this.#bytes(results[TEXT], results[TEXT_LENGTH]));
  }

  /** What is wrong, where a function has failed. */
  #fault(done) {
    return done === 1 ? null : this.#text();
  }

  #rule(results) {
    const place = results[RULE];
    let id = this.#rules.get(place);
    if (id === undefined) {
      id = decoder.decode(this.#bytes(place, results[RULE_LENGTH]));
      this.#rules.set(place, id);
    }
    return id;
  }

  #identity(results) {
    const slot = results[SLOT];
    const length = results[IDENTITY_LENGTH];
    if (length > 0) {
      this.#identities[slot] = new Identity(decoder.decode(this.#bytes(results[TEXT], length)));
    }
    return this.#identities[slot];
  }

  /** The names of headers to remove, each ended by a capital letter. */
  #removed(results) {
    const start = results[IDENTITY_LENGTH];
    let text = '';
    for (const byte of this.#bytes(results[TEXT] + start, results[TEXT_LENGTH] - start)) {
      text += String.fromCharCode(byte);
    }
    return Object.freeze(text.slice(0, -1).split('N'));
  }
}

/** A decision is read only if there is one: what was left by the last is somebody else's. */
function succeeded(done) {
  if (done !== 1) throw new WebAssembly.RuntimeError('the gate has not answered');
}

/** The lower half of a time or a number of seconds, a number or a BigInt; and the higher. */
function low(time) {
  return typeof time === 'bigint' ? Number(time & 0xffff_ffffn) : time >>> 0;
}

function high(time) {
  return typeof time === 'bigint' ? Number(time >> 32n) : (time / 0x1_0000_0000) >>> 0;
}

/** Writes a text that isn't ASCII. Answers whether it is Latin-1. */
function writeLatin1(text, bytes) {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 0xff) return false;
    bytes[index] = code;
  }
  return true;
}
