// Decides as `signet decide` does, by the filter for Envoy: `decide-envoy.mjs FILTER.wasm`.
//
// Reads a case a line from standard input, `{"policy", "keys", "feeds", "now", "leeway", "request"}`,
// and prints a decision a line. What is printed is what the filter does to a request: headers that it
// removes and sets, the answer that it gives, and the details for the access log. Only the rule that
// let somebody through without an identity shows nowhere but in the log.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import { Thread } from "./envoy-thread.mjs";

const module = new WebAssembly.Module(readFileSync(process.argv[2]));

// How far the clock leaps ahead, and back, to have everything fetched that backs off.
const LATER = 600n;

// The last second that Envoy can tell, in nanoseconds of 64 bits.
const LATEST = (2n ** 64n - 1n) / 1_000_000_000n - LATER;

function decide({ policy, keys, feeds, now, leeway, request }) {
  const configuration =
    `{"policy":${policy},"issuer_cluster":"issuer","leeway":${leeway},` +
    `"max_stale_seconds":${24 * 3600}}`;
  const proxy = new Thread(module, configuration);
  now = BigInt(now);
  proxy.start(now);
  const waiting = [...feeds];
  let hasKeys = false;
  const respond = (path) => {
    if (path.endsWith("/jwks.json")) {
      hasKeys = true;
      return keys;
    }
    // What comes before the keys can't be read.
    return hasKeys ? (waiting.shift() ?? null) : null;
  };
  const fetch = (respond) => {
    proxy.now = now + LATER;
    proxy.tick();
    proxy.now = now;
    proxy.respond(respond);
  };
  do {
    fetch(respond);
  } while (waiting.length > 0);
  // Now the issuer is away: nobody waits for a newer feed.
  fetch(() => null);
  const goesOn = proxy.request(request);
  return line(proxy, goesOn);
}

/** The decision, as far as a proxy can see it. */
function line({ answer, set, removed, log }, goesOn) {
  if (goesOn === (answer !== null)) throw new Error("it neither goes on nor is answered");
  const none = (text) => (text ? text : null);
  if (answer === null) {
    const named = set.find(([name]) => name === "x-signet-rule")?.[1];
    const logged = /rule (\S+)$/.exec(log.at(-1))[1];
    const rule = named ?? (logged === "none" ? null : logged);
    return { outcome: "allow", status: 200, code: null, reason: null, rule, challenge: null, set, remove: removed };
  }
  const { status, details, body, headers } = answer;
  const [, , code, reason, rule] = /^(signet):(.*?):(.*?):(.*)$/.exec(details);
  const told = JSON.parse(body);
  if (told.code !== code || told.status !== status) throw new Error(`${body} isn't ${details}`);
  return {
    outcome: "deny",
    status,
    code,
    reason: none(reason),
    rule: none(rule),
    challenge: headers.get("www-authenticate") ?? null,
    set,
    remove: removed,
  };
}

for await (const text of createInterface({ input: process.stdin })) {
  const given = JSON.parse(text);
  console.log(BigInt(given.now) > LATEST ? 'unsayable' : JSON.stringify(decide(given)));
}
