// Threads of one Envoy, whose clock and whose ends a real one wouldn't let us choose:
// `threads.mjs FILTER.wasm`. Fails by an assertion.

import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";

import { Thread } from "../conformance/envoy-thread.mjs";

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const ISSUER = "https://auth.example.com";
const START = 2_100_000_000n;
const MAX_STALE = 3_600n;
const CONFIGURATION = JSON.stringify({
  policy: {
    version: 1,
    issuer: ISSUER,
    audience: ["agents-api"],
    forward_token: false,
    rule: [
      { id: "known", path: "/known", allow: "authenticated" },
      { id: "strict", path: "/strict", allow: "authenticated", revocation: "required" },
    ],
  },
  issuer_cluster: "issuer",
  max_stale_seconds: Number(MAX_STALE),
});

/** The key of that seed, as the vectors have them. */
function keyPair(seed) {
  const prefix = Buffer.from("302e020100300506032b657004220420", "hex");
  const der = Buffer.concat([prefix, Buffer.alloc(32, seed)]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return { key, jwk: { ...createPublicKey(key).export({ format: "jwk" }), kid: `${seed}` } };
}

const KEYS = [101, 102].map(keyPair);

function signed(pair, type, claims) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const header = { alg: "EdDSA", kid: pair.jwk.kid, typ: type };
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${sign(null, Buffer.from(text), pair.key).toString("base64url")}`;
}

function token(pair, at) {
  const claims = { iss: ISSUER, aud: "agents-api", sub: "u", sid: "s", client_id: "c", jti: "j" };
  const times = { iat: Number(at), exp: Number(at) + 600, auth_time: Number(at) };
  return signed(pair, "at+jwt", { ...claims, ...times });
}

function feed(at, seq) {
  const times = { iat: Number(at), exp: Number(at) + 30 };
  return signed(KEYS[0], "signet-rev+jwt", { iss: ISSUER, ...times, epoch: 1, seq, e: "", u: [], k: [] });
}

const jwks = (...pairs) => JSON.stringify({ keys: pairs.map(({ jwk }) => jwk) });

/** Threads of one proxy, and an issuer that counts. */
class Envoy {
  constructor(count) {
    this.shared = new Map();
    this.now = START;
    this.keys = jwks(KEYS[0]);
    this.feed = null;
    this.asked = { keys: 0, feed: 0 };
    this.threads = Array.from({ length: count }, () => this.begin());
  }

  begin() {
    const thread = new Thread(module, CONFIGURATION, this.shared);
    thread.start(this.now);
    return thread;
  }

  /** One tick of each thread, and the answers to what they ask. */
  tick() {
    for (const thread of this.threads) {
      thread.now = this.now;
      thread.tick();
      thread.respond((path) => this.answer(path));
    }
  }

  answer(path) {
    const isForKeys = path.endsWith("/jwks.json");
    this.asked[isForKeys ? "keys" : "feed"] += 1;
    return isForKeys ? this.keys : this.feed;
  }

  /** Lets seconds pass, with one tick in each. */
  pass(seconds) {
    for (; seconds > 0; seconds -= 1) {
      this.now += 1n;
      this.tick();
    }
  }

  /** What each thread answers to a token of that key. */
  statuses(pair = KEYS[0]) {
    return this.threads.map((thread) => {
      thread.now = this.now;
      const bearer = `Bearer ${token(pair, this.now)}`;
      const request = { method: "GET", path: "/known", headers: [["authorization", bearer]] };
      return thread.request(request) ? 200 : thread.answer.status;
    });
  }
}

const tests = {
  "one asks, and all know"() {
    const envoy = new Envoy(4);
    assert.deepEqual(envoy.statuses(), [503, 503, 503, 503]);
    envoy.tick();
    envoy.tick();
    assert.deepEqual(envoy.statuses(), [200, 200, 200, 200]);
    envoy.pass(200);
    assert.equal(envoy.asked.keys, 1);
  },

  "what one lacks, the one that asks is told"() {
    const envoy = new Envoy(3);
    envoy.pass(12);
    envoy.keys = jwks(...KEYS);
    assert.deepEqual(envoy.statuses(KEYS[1]).at(-1), 401);
    envoy.pass(3);
    assert.deepEqual(envoy.statuses(KEYS[1]), [200, 200, 200]);
    assert.equal(envoy.asked.keys, 2);
  },

  "after its end another asks"() {
    const envoy = new Envoy(3);
    envoy.pass(20);
    const asked = envoy.asked.feed;
    envoy.threads.shift();
    envoy.keys = jwks(...KEYS);
    envoy.pass(7);
    assert.equal(envoy.asked.keys, 2);
    assert.deepEqual(envoy.statuses(KEYS[1]), [200, 200]);
    assert.ok(envoy.asked.feed > asked);
  },

  "one that begins anew knows what the others know"() {
    const envoy = new Envoy(2);
    envoy.pass(2);
    envoy.threads[1] = envoy.begin();
    assert.deepEqual(envoy.statuses(), [200, 200]);
    assert.equal(envoy.asked.keys, 1);
  },

  "keys age from when they were asked for, whoever learns of them when"() {
    const envoy = new Envoy(2);
    envoy.pass(2);
    envoy.answer = () => null;
    const asked = START + 1n;
    envoy.now = asked + MAX_STALE - 1n;
    envoy.threads.push(envoy.begin());
    assert.deepEqual(envoy.statuses(), [200, 200, 200]);
    envoy.now += 1n;
    envoy.threads.push(envoy.begin());
    assert.deepEqual(envoy.statuses(), [503, 503, 503, 503]);
  },

  "a clock that is set back makes keys no younger than new, and nobody wait for a leader"() {
    const envoy = new Envoy(2);
    envoy.pass(2);
    envoy.now -= 86_400n;
    let asked = 0;
    envoy.answer = () => {
      asked += 1;
      return null;
    };
    envoy.threads = [envoy.begin()];
    assert.deepEqual(envoy.statuses(), [200]);
    envoy.pass(1);
    assert.ok(asked > 0);
    envoy.now += MAX_STALE;
    assert.deepEqual(envoy.statuses(), [503]);
  },

  "an answer that comes after the lease is over changes nothing"() {
    const envoy = new Envoy(2);
    const [sleeper, other] = envoy.threads;
    sleeper.tick();
    envoy.now += 6n;
    envoy.threads = [other];
    envoy.keys = jwks(KEYS[1]);
    envoy.tick();
    sleeper.now = envoy.now;
    sleeper.respond(() => jwks(KEYS[0]));
    envoy.threads = [sleeper, other];
    envoy.tick();
    assert.deepEqual(envoy.statuses(KEYS[1]), [200, 200]);
    assert.deepEqual(envoy.statuses(KEYS[0]), [401, 401]);
  },

  "what stands on the board is not believed for that"() {
    const envoy = new Envoy(2);
    envoy.pass(2);
    const ended = { iss: ISSUER, iat: Number(START), exp: Number(START) + 30, epoch: 1, seq: 1 };
    const stranger = { ...KEYS[1], jwk: { kid: "101" } };
    const forged = signed(stranger, "signet-rev+jwt", { ...ended, e: "", u: [], k: ["101"] });
    for (const [key, entry] of envoy.shared) {
      if (key.endsWith(" news")) entry.value = Buffer.from(`${entry.value}`.replace(" 0 ", " 7 "));
    }
    const [prefix] = [...envoy.shared.keys()].map((key) => key.replace(/news$/, "feed"));
    for (const garbage of [`1\n${forged}`, "", "x", "99999999999999999999\nx", "\xff\n"]) {
      envoy.shared.set(prefix.replace(/\w+$/, "feed"), { value: Buffer.from(garbage), version: 1 });
      envoy.shared.set(prefix.replace(/\w+$/, "threads"), { value: Buffer.from(garbage), version: 1 });
      envoy.threads.push(envoy.begin());
      envoy.pass(1);
    }
    assert.ok(envoy.statuses().every((status) => status === 200));
  },

  // As with `allow_on_headers_stop_iteration`, where the rest comes while the head is held.
  "the rest of a request goes on when its head does, and not before"() {
    for (const [comes, status] of [[true, 200], [false, 503]]) {
      const envoy = new Envoy(1);
      const [thread] = envoy.threads;
      envoy.feed = feed(START - 40n, 0);
      envoy.pass(8);
      const bearer = `Bearer ${token(KEYS[0], envoy.now)}`;
      const headers = [["authorization", bearer], ["X-Signet-Sub", "forged"]];
      const { stream, goesOn } = thread.open({ method: "POST", path: "/strict", headers });
      const goes = () => [thread.body(stream), thread.body(stream), thread.trailers(stream)];
      assert.deepEqual([goesOn, thread.answer], [false, null]);
      assert.deepEqual(thread.removed, ["x-signet-sub"]);
      assert.deepEqual(goes(), [false, false, false]);
      if (comes) envoy.feed = feed(envoy.now, 1);
      envoy.tick();
      envoy.pass(comes ? 0 : 2);
      assert.equal(thread.answer?.status ?? 200, status);
      assert.equal(thread.resumed, comes ? 1 : 0);
      assert.deepEqual(goes(), [comes, comes, comes]);
      envoy.pass(2);
      assert.equal(thread.resumed, comes ? 1 : 0);
      thread.close(stream);
    }
    const envoy = new Envoy(1);
    const [thread] = envoy.threads;
    const { stream, goesOn } = thread.open({ method: "POST", path: "/known", headers: [] });
    assert.deepEqual([goesOn, thread.answer.status, thread.body(stream)], [false, 401, false]);
  },
};

for (const [name, test] of Object.entries(tests)) {
  try {
    test();
  } catch (error) {
    console.error(`not so: ${name}`);
    throw error;
  }
}
