// The options of a gate: read once, with every mistake told.

import { SignetError } from './error.js';

const KNOWN = new Set([
  'issuer', 'audience', 'policy', 'keys', 'feeds', 'offline', 'keysUrl', 'feedUrl', 'maxStale', 'leeway', 'tables',
  'timer', 'fetch', 'now', 'wasm',
]);

const TABLES = ['after_uses', 'eager', 'never'];

/** For how long keys are used when no newer ones can be had, in seconds. */
const A_DAY = 86_400;

/** The most seconds that clocks may differ: the revocation feed names ended sessions no longer. */
const MOST_LEEWAY = 60;

/** Everything the gate has to know, with what goes without saying. */
export function readOptions(options, host) {
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) throw invalid(`no option is called ${name}; there are ${[...KNOWN].join(', ')}`);
  }
  const { issuer, audiences, policy } = readPolicy(options);
  const { offline = false, keys = null, feeds = [], keysUrl = '', feedUrl = '', maxStale = A_DAY } = options;
  const { leeway = 30, tables = 'after_uses', timer = host.hasTimers, now = Date.now, wasm = null } = options;
  // What else is wrong with an issuer is told with the other faults of the policy.
  if (!offline && typeof issuer === 'string') [issuer, keysUrl || issuer, feedUrl || issuer].forEach((url) => checkUrl(url, issuer));
  checkSeconds('leeway', leeway);
  if (leeway > MOST_LEEWAY) {
    throw invalid(`leeway must be at most ${MOST_LEEWAY} seconds: the revocation feed names ended sessions no longer`);
  }
  checkSeconds('maxStale', maxStale);
  if (!Array.isArray(feeds)) throw invalid('feeds must be a list');
  if (!TABLES.includes(tables)) throw invalid(`tables must be one of ${TABLES.join(', ')}`);
  return {
    issuer,
    audiences,
    policy,
    keys: keys === null || typeof keys === 'string' || keys instanceof Uint8Array ? keys : JSON.stringify(keys),
    feeds,
    offline,
    keysUrl,
    feedUrl: feedUrl === false ? '-' : feedUrl,
    maxStale: Math.min(Number(maxStale), 0xffff_ffff),
    leeway,
    tables: TABLES.indexOf(tables),
    timer,
    fetch: options.fetch ?? ((...request) => fetch(...request)),
    now,
    wasm,
    host,
  };
}

/** Issuer, audiences, and the policy as text; one without rules, if none is given. */
function readPolicy({ policy, issuer, audience }) {
  if (policy === undefined) {
    const audiences = [audience ?? []].flat();
    if (typeof issuer !== 'string' || audiences.length === 0) {
      throw invalid('give a `policy`; or `issuer` and `audience`, for a gate that only verifies tokens');
    }
    return { issuer, audiences, policy: JSON.stringify({ version: 1, issuer, audience: audiences }) };
  }
  const text = typeof policy === 'string' ? policy : JSON.stringify(policy);
  const { issuer: named, audience: audiences } = parse(text);
  if (issuer !== undefined && issuer !== named) {
    throw new SignetError(
      'issuer_mismatch',
      `the policy is for tokens of ${named}, and \`issuer\` says ${issuer}: leave \`issuer\` out, or give ` +
        '`policy: {...policy, issuer}` if the same rules are meant for that issuer',
    );
  }
  if (audience !== undefined && JSON.stringify([audience].flat()) !== JSON.stringify(audiences)) {
    throw new SignetError('audience_mismatch', `the policy is for ${audiences}, and \`audience\` says ${audience}: leave it out`);
  }
  return { issuer: named, audiences, policy: text };
}

function parse(text) {
  try {
    return Object(JSON.parse(text));
  } catch (cause) {
    throw new SignetError(
      'invalid_policy',
      'the policy is not JSON; `signet policy compile policy.toml` makes the JSON that hosts are given',
      { cause },
    );
  }
}

/** Whoever changes keys on their way can make tokens: they come over TLS, or don't leave the machine. */
function checkUrl(text, issuer) {
  if (!URL.canParse(text)) throw invalid(`${text} is not a URL`);
  const { protocol, hostname } = new URL(text);
  const isLocal = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
  const isSecure = protocol === 'https:' || (protocol === 'http:' && isLocal);
  if (!isSecure) {
    throw new SignetError('insecure_issuer', `${text} must be https: whoever changes the keys of ${issuer} on their way can make tokens`);
  }
}

function checkSeconds(name, value) {
  const isGood = typeof value === 'bigint' ? value >= 0n : Number.isSafeInteger(value) && value >= 0;
  if (!isGood) throw invalid(`${name} must be a number of seconds, without a fraction`);
}

function invalid(message) {
  return new SignetError('invalid_options', message);
}
