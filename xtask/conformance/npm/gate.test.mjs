// The installed package in Node.js, as a module: what it does, and what it does with what it shouldn't get.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { Gate, SignetError } from '@signet/verifier';

import { Issuer, policy } from './issuer.mjs';

const KEYS = '/.well-known/jwks.json';
const FEED = '/.well-known/signet-revocations';

let issuer;
const open = [];
before(async () => { issuer = await Issuer.start(); });
// The fetches of a gate's timer would be counted by the next test.
afterEach(() => { open.splice(0).forEach((gate) => gate.close()); });
after(() => { issuer.stop(); });

async function load(options = {}) {
  const gate = await Gate.load({ policy: policy(issuer.url), ...options });
  open.push(gate);
  return gate;
}

const offline = (options = {}) => load({ keys: issuer.jwks, offline: true, ...options });
const bearer = (token) => ['Authorization', `Bearer ${token}`];
const read = (...headers) => ({ method: 'GET', target: '/v1/agents/7?full=1', headers });
const rotate = (...headers) => ({ method: 'POST', target: '/v1/keys', headers });
const fails = (code, text) => (error) => error instanceof SignetError && error.code === code && text.test(error.message);

async function eventually(isSo) {
  for (let tries = 0; tries < 600; tries += 1) {
    if (isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`never: ${isSo}`);
}

test('fetches keys and feed, and decides', async () => {
  const gate = await load();
  const decision = gate.decide(read(...bearer(issuer.token()), 'X-Signet-Sub', 'root', 'X_SIGNET_Roles', 'admin'));
  assert.equal(decision.outcome, 'allow');
  assert.equal(decision.isAllowed, true);
  assert.equal(decision.identity.subject, 'usr_1');
  assert.deepEqual(decision.remove, ['x-signet-sub', 'x_signet_roles']);
  assert.deepEqual(Object.fromEntries(decision.set), {
    'x-signet-sub': 'usr_1', 'x-signet-sid': 'ses_1', 'x-signet-client': 'web', 'x-signet-roles': 'support',
    'x-signet-permissions': 'agents:run', 'x-signet-exp': String(decision.identity.expiresAt), 'x-signet-rule': 'read',
  });
  assert.equal(decision.answer, null);
  const status = gate.status();
  assert.equal(status.keys.usable, true);
  assert.equal(status.feed.fresh, true);
  const asked = issuer.asked.find(({ path }) => path === KEYS);
  assert.equal(asked.headers['cache-control'], 'no-cache');
});

test('a refusal is a whole answer', async () => {
  const gate = await offline();
  const { answer, ...decision } = gate.decide(read());
  assert.equal(decision.code, 'missing_token');
  assert.equal(answer.status, 401);
  assert.deepEqual(answer.headers, {
    'content-type': 'application/problem+json', 'cache-control': 'no-store', 'www-authenticate': 'Bearer realm="signet"',
  });
  assert.equal(JSON.parse(answer.body).code, 'missing_token');
  assert.equal(gate.decide(read(...bearer('a.b.c'))).reason, 'bad_signature_len');
  assert.equal(gate.decide({ ...read(...bearer(issuer.token())), target: '/nowhere' }).code, 'no_rule');
});

test('headers come in three shapes and in no other', async () => {
  const gate = await offline();
  const [name, value] = bearer(issuer.token());
  for (const headers of [[name, value], [[name, value]], new Headers([[name, value]]), new Map([[name, value]])]) {
    assert.equal(gate.decide({ ...read(), headers }).status, 200);
  }
  for (const headers of [{ [name]: value }, undefined, null, 'authorization', [name], [[name]], [name, 7], [name, null]]) {
    assert.throws(() => gate.decide({ ...read(), headers }), TypeError);
  }
  for (const part of ['method', 'target']) {
    assert.throws(() => gate.decide({ ...read(), [part]: undefined }), TypeError);
  }
  assert.equal(gate.decide({ ...read(), target: '/healthz', headers: [] }).status, 200);
});

test('two tokens are refused, however they come', async () => {
  const gate = await offline();
  const token = bearer(issuer.token());
  assert.equal(gate.decide(read(...token, ...token)).status, 400);
  const joined = new Headers([token]);
  joined.append(...token);
  assert.equal(gate.decide({ ...read(), headers: joined }).status, 400);
});

test('a character is a byte, or the request is a bad one', async () => {
  const gate = await offline();
  const token = bearer(issuer.token());
  assert.equal(gate.decide(read(...token, 'X-Note', 'caf\u00e9 \u00ff')).status, 200);
  assert.deepEqual(gate.decide(read(...token, 'X-Signet-\u00e9', '')).remove, ['x-signet-\u00e9']);
  for (const odd of ['\u0100', '\u2028', '\ud800', '😀']) {
    assert.equal(gate.decide(read(...token, 'X-Note', odd)).code, 'invalid_request');
    assert.equal(gate.decide({ ...read(...token), target: `/v1/agents/${odd}` }).code, 'invalid_request');
    assert.equal(gate.decide({ ...read(...token), method: odd }).code, 'invalid_request');
  }
});

test('a head may be long, but not without end', async () => {
  const gate = await offline();
  const token = bearer(issuer.token());
  const many = Array.from({ length: 5_000 }, (_, number) => [`X-Signet-${number}`, 'v'.repeat(100)]).flat();
  assert.equal(gate.decide(read(...token, ...many)).remove.length, 5_000);
  assert.equal(gate.decide(read(...token, 'X-Note', 'v'.repeat(2 << 20))).status, 400);
  assert.equal(gate.decide(read(...token)).status, 200);
});

test('many tokens in turn are each their own', async () => {
  const gate = await offline();
  const tokens = Array.from({ length: 1_500 }, (_, number) => [`usr_${number}`, issuer.token({ sub: `usr_${number}` })]);
  for (const [subject, token] of [...tokens, ...tokens, ...tokens.slice(0, 9), ...tokens.slice(0, 9)]) {
    const decision = gate.decide(read(...bearer(token)));
    assert.equal(decision.identity.subject, subject);
    assert.equal(decision.set[0][1], subject);
  }
});

test('tells who has a token, and what they can', async () => {
  const gate = await load({ policy: undefined, issuer: issuer.url, audience: 'agents-api', keys: issuer.jwks, offline: true });
  const me = gate.verify(issuer.token({ name: 'Zoë' }));
  assert.deepEqual([me.subject, me.can('agents:run'), me.can('agents:read'), me.hasRole('support')], ['usr_1', true, false, true]);
  assert.equal(me.claims.name, 'Zoë');
  assert.equal((await offline()).verify(issuer.token()).can('agents:read'), true);
  assert.throws(() => gate.verify(issuer.token({ exp: 1, iat: 0 })), (error) => error.reason === 'expired');
  assert.throws(() => gate.verify('x'.repeat(10 << 20)), (error) => error.reason === 'too_large');
  for (const bad of ['', 'é', '\u{1f600}.a.b', 'a.b.c']) assert.throws(() => gate.verify(bad), fails('invalid_token', /log in/));
  for (const bad of [undefined, null, 7, {}]) assert.throws(() => gate.verify(bad), TypeError);
  assert.equal(gate.decide(read(...bearer(issuer.token()))).code, 'no_rule');
});

test('mistakes are told before anything is decided', async () => {
  const { url } = issuer;
  const rules = policy(url);
  for (const [options, code, text] of [
    [{}, 'invalid_options', /give a `policy`/],
    [{ issuer: url }, 'invalid_options', /audience/],
    [{ policy: 'version = 1' }, 'invalid_policy', /signet policy compile/],
    [{ policy: 7 }, 'invalid_policy', /must be a table/],
    [{ policy: { ...rules, rule: [{ id: 'x', path: '//', allow: 'nobody' }] } }, 'invalid_policy', /\n.*\n/],
    [{ policy: rules, issuer: 'https://other.example' }, 'issuer_mismatch', /other\.example.*leave `issuer` out/],
    [{ policy: rules, audience: 'else' }, 'audience_mismatch', /leave it out/],
    [{ policy: rules, leway: 3 }, 'invalid_options', /leway/],
    [{ policy: rules, leeway: -1 }, 'invalid_options', /leeway/],
    [{ policy: rules, leeway: 1.5 }, 'invalid_options', /leeway/],
    [{ policy: rules, leeway: 61 }, 'invalid_options', /leeway must be at most 60/],
    [{ policy: rules, leeway: 3_600 }, 'invalid_options', /leeway must be at most 60/],
    [{ policy: rules, feeds: 'a.b.c' }, 'invalid_options', /a list/],
    [{ policy: rules, tables: 'often' }, 'invalid_options', /eager/],
    [{ policy: rules, keys: '{}' }, 'invalid_keys', /keys/],
    [{ policy: rules, keys: { keys: [] } }, 'invalid_keys', /no keys/],
    [{ policy: policy('http://auth.example.com') }, 'insecure_issuer', /must be https/],
    [{ policy: policy('auth.example.com') }, 'invalid_options', /not a URL/],
    [{ policy: rules, keysUrl: 'http://cdn.example.com/keys' }, 'insecure_issuer', /must be https/],
  ]) {
    await assert.rejects(Gate.load(options), fails(code, text), JSON.stringify(options));
  }
  assert.throws(() => new Gate(), TypeError);
});

test('without keys it does not start, and says where it looked', async () => {
  const answers = {
    'a rubbish set': (res) => res.end('<html>'),
    'an error': (res) => res.writeHead(500).end(),
    'a redirect': (res) => res.writeHead(302, { location: `${issuer.url}/elsewhere` }).end(),
    'no key': (res) => res.end('{"keys":[]}'),
    'too much': (res) => res.end(' '.repeat(70_000)),
    'an end': (res) => res.destroy(),
  };
  for (const [name, answer] of Object.entries(answers)) {
    issuer.instead[KEYS] = answer;
    await assert.rejects(load(), fails('keys_unavailable', /jwks\.json/), name);
  }
  delete issuer.instead[KEYS];
  assert.ok(!issuer.asked.some(({ path }) => path === '/elsewhere'), 'no redirect is followed');
});

test('the last good keys stay, until they are too old', async () => {
  let now = Date.now();
  const gate = await load({ now: () => now, feedUrl: false, timer: false, maxStale: 600 });
  const request = read(...bearer(issuer.token({ exp: Math.floor(now / 1000) + 3_000 })));
  issuer.instead[KEYS] = (res) => res.end('rubbish');
  now += 300_000;
  await gate.refresh();
  assert.equal(gate.status().keys.failures, 1);
  assert.equal(gate.decide(request).status, 200);
  now += 301_000;
  assert.equal(gate.decide(request).code, 'keys_unavailable');
  assert.equal(gate.decide(request).answer.headers['retry-after'], '1');
  delete issuer.instead[KEYS];
  now += 61_000;
  await gate.refresh();
  assert.equal(gate.decide(request).status, 200);
});

test('what is revoked is refused, and a required feed is waited for', async () => {
  issuer.ended = ['ses_2'];
  const gate = await load();
  assert.equal(gate.decide(read(...bearer(issuer.token({ sid: 'ses_2' })))).reason, 'revoked');
  issuer.ended = [];

  // The first feed is slow.
  issuer.instead[FEED] = (res) => setTimeout(() => res.end(issuer.feed()), 300);
  const waiting = await load({ keys: issuer.jwks });
  const request = rotate(...bearer(issuer.token()));
  assert.equal(waiting.decide(request).code, 'revocation_unavailable');
  assert.equal((await waiting.decideFresh(request)).status, 200);

  // It doesn't come in time.
  issuer.instead[FEED] = () => {};
  const patient = await load({ keys: issuer.jwks });
  const start = performance.now();
  assert.equal((await patient.decideFresh(request)).code, 'revocation_unavailable');
  assert.ok(performance.now() - start > 900 && performance.now() - start < 1_900);

  // There is none, which is known.
  issuer.instead[FEED] = (res) => res.writeHead(404).end();
  const without = await load();
  const again = performance.now();
  assert.equal((await without.decideFresh(request)).code, 'revocation_unavailable');
  assert.ok(performance.now() - again < 500);
  delete issuer.instead[FEED];
});

test('after a pause without a timer, what is old is waited for, a second at most and once', async () => {
  let now = Date.now();
  const gate = await load({ timer: false, now: () => now });
  const of = (sid) => read(...bearer(issuer.token({ sid, exp: Math.floor(now / 1000) + 3_000 })));
  const [over, live] = [of('ses_6'), of('ses_7')];
  assert.equal((await gate.decideFresh(over)).status, 200);

  // A session has ended. All who come while the feed is fetched share that.
  issuer.ended = ['ses_6'];
  now += 31_000;
  const feeds = () => issuer.asked.filter(({ path }) => path === FEED).length;
  const before = feeds();
  assert.equal(gate.decide(over).status, 200, 'at once, by what is known');
  const decided = await Promise.all([over, live, over].map((request) => gate.decideFresh(request)));
  assert.deepEqual(decided.map(({ reason }) => reason), ['revoked', null, 'revoked']);
  assert.equal(feeds(), before + 1);
  issuer.ended = [];

  // A key was withdrawn.
  issuer.instead[KEYS] = (res) => res.end(JSON.stringify({ keys: issuer.jwks.keys.map((key) => ({ ...key, kid: 'other' })) }));
  now += 301_000;
  assert.equal((await gate.decideFresh(live)).reason, 'unknown_kid');
  delete issuer.instead[KEYS];
  now += 11_000;
  await gate.refresh();
  assert.equal(gate.decide(live).status, 200);

  // The issuer says nothing.
  issuer.instead[KEYS] = () => {};
  now += 301_000;
  const timed = async () => {
    const start = performance.now();
    const { status } = await gate.decideFresh(live);
    return [status, performance.now() - start];
  };
  const [status, took] = await timed();
  assert.ok(status === 200 && took > 900 && took < 1_900, `${status} after ${took} ms`);
  now += 1_000;
  const [again, moment] = await timed();
  assert.ok(again === 200 && moment < 500, `${again} after ${moment} ms`);
  delete issuer.instead[KEYS];
});

test('keys and feeds may come in another way', async () => {
  const gate = await load({ offline: true });
  const request = read(...bearer(issuer.token({ sid: 'ses_3' })));
  assert.equal(gate.decide(request).code, 'keys_unavailable');
  assert.throws(() => gate.verify(issuer.token()), fails('keys_unavailable', /no keys/));
  gate.installKeys(issuer.jwks);
  assert.equal(gate.decide(request).status, 200);
  assert.throws(() => gate.installKeys('{}'), fails('invalid_keys', /keys/));
  issuer.ended = ['ses_3'];
  assert.equal(gate.applyFeed(issuer.feed()), 'changed');
  assert.equal(gate.decide(request).reason, 'revoked');
  assert.throws(() => gate.applyFeed('a.b.c'), fails('feed_ignored', /ignored/));
  issuer.ended = [];
});

test('the timer keeps it up to date, and close ends that', async () => {
  const gate = await load();
  const feeds = () => issuer.asked.filter(({ path }) => path === FEED).length;
  const before = feeds();
  await eventually(() => feeds() > before);
  gate.close();
  gate[Symbol.dispose]();
  assert.equal(gate.decide(read(...bearer(issuer.token()))).status, 200);
});

test('own fetch, and nothing of it can hurt', async () => {
  for (const [name, fetch] of Object.entries({
    'throws': () => { throw new Error('no'); },
    'rejects': () => Promise.reject(new Error('no')),
    'answers nothing': async () => undefined,
    'breaks off': async () => new Response(new ReadableStream({ pull(controller) { controller.error(new Error('cut')); } })),
    'never ends': async () => new Response(new ReadableStream({ pull(controller) { controller.enqueue(new Uint8Array(9_000)); } })),
  })) {
    await assert.rejects(load({ fetch }), fails('keys_unavailable', /begin with pinned/), name);
  }
  const urls = [];
  await load({ keysUrl: 'https://cdn.example.com/keys', feedUrl: false, fetch: async (url) => (urls.push(url), Response.json(issuer.jwks)) });
  assert.deepEqual(urls, ['https://cdn.example.com/keys']);
});

test('a Fetch handler gets a cleaned request or an answer', async () => {
  const gate = await offline();
  const request = (path, init) => new Request(`https://api.example.com${path}`, init);
  const headers = { authorization: `Bearer ${issuer.token()}`, 'x-signet-sub': 'root', 'x-other': 'kept' };
  const admitted = await gate.admit(request('/v1/agents/7', { headers }));
  assert.ok(admitted instanceof Request);
  assert.equal(admitted.headers.get('x-signet-sub'), 'usr_1');
  assert.equal(admitted.headers.get('x-other'), 'kept');
  const refused = await gate.admit(request('/v1/agents/7'));
  assert.ok(refused instanceof Response);
  assert.equal(refused.status, 401);
  assert.equal((await refused.json()).code, 'missing_token');
  assert.equal((await gate.admit(request('/v1/agents/a%2fb', { headers }))).status, 400);
  assert.equal((await gate.admit(request('/v1/x/../agents/7', { headers }))).headers.get('x-signet-rule'), 'read');
  const body = await gate.admit(request('/v1/keys', { method: 'POST', headers, body: 'text' }));
  assert.equal(body.status, 503);
});

test('an instance that traps is replaced, and lets nothing through', async (context) => {
  const { Instance } = WebAssembly;
  let traps = 0;
  WebAssembly.Instance = function (...given) {
    const { exports } = new Instance(...given);
    const trap = () => { traps -= 1; throw new WebAssembly.RuntimeError('unreachable'); };
    return { exports: { ...exports, decide: (...values) => (traps > 0 ? trap() : exports.decide(...values)) } };
  };
  context.after(() => { WebAssembly.Instance = Instance; });
  const gate = await offline();
  const request = read(...bearer(issuer.token()));
  traps = 1;
  assert.throws(() => gate.decide(request), fails('gate_failed', /503/));
  assert.equal(gate.decide(request).status, 200);
  traps = 3;
  assert.throws(() => gate.decide(request), fails('gate_failed', /503/));
  const failed = await gate.admit(new Request('https://api.example.com/healthz'));
  assert.deepEqual([failed.status, Object.fromEntries(failed.headers)], [
    503, { 'content-type': 'application/problem+json', 'cache-control': 'no-store', 'retry-after': '1' },
  ]);
  const { status, code, type, title } = await failed.json();
  assert.deepEqual([status, code, type], [503, 'unavailable', 'urn:signet:problem:unavailable']);
  assert.ok(title);
});

test('without a timer nothing is fetched but by refresh, after a trap as well', async (context) => {
  const spoil = breakable(context);
  let now = Date.now();
  const gate = await load({ timer: false, now: () => now });
  const request = read(...bearer(issuer.token()));
  assert.equal(gate.decide(request).status, 200);
  now += 11_000;
  const asked = issuer.asked.length;
  const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
  const unknown = request.headers[1].replace(/ [^.]*/, ` ${Buffer.from('{"alg":"EdDSA","typ":"at+jwt","kid":"new"}').toString('base64url')}`);
  assert.equal(gate.decide(read('Authorization', unknown)).reason, 'unknown_kid');
  spoil();
  assert.throws(() => gate.decide(request), fails('gate_failed', /503/));
  assert.throws(() => gate.decide(request), fails('gate_failed', /503/));
  await pause();
  assert.equal(issuer.asked.length, asked);
  await gate.refresh();
  assert.equal(gate.decide(request).status, 200);
});

/** Has every instance made from now on be one that can be broken, and answers what breaks the last. */
function breakable(context) {
  const { Instance } = WebAssembly;
  let last;
  WebAssembly.Instance = function (...given) {
    const instance = new Instance(...given);
    // Node.js's own `fetch` is made of one as well.
    if (instance.exports.decide !== undefined) last = instance;
    return instance;
  };
  context.after(() => { WebAssembly.Instance = Instance; });
  return () => new Uint8Array(last.exports.memory.buffer).fill(0xff);
}

test('what was given is still in force after a trap', async (context) => {
  const spoil = breakable(context);
  const request = read(...bearer(issuer.token({ sid: 'ses_4' })));
  const fresh = () => rotate(...bearer(issuer.token()));

  const revoking = await offline();
  assert.equal(revoking.decide(request).status, 200);
  issuer.ended = ['ses_4'];
  revoking.applyFeed(issuer.feed());
  issuer.ended = [];
  spoil();
  assert.throws(() => revoking.decide(request), fails('gate_failed', /503/));
  assert.equal(revoking.decide(request).reason, 'revoked');
  assert.equal(revoking.decide(fresh()).status, 200);

  // A newer feed takes the place of older ones.
  const lifted = await offline();
  issuer.ended = ['ses_4'];
  lifted.applyFeed(issuer.feed());
  issuer.ended = [];
  lifted.applyFeed(issuer.feed());
  spoil();
  assert.throws(() => lifted.decide(request), fails('gate_failed', /503/));
  assert.equal(lifted.decide(request).status, 200);

  // The feed was signed by a key that is pinned no more.
  const other = await Issuer.start();
  context.after(() => other.stop());
  const kid = (keys, kid) => ({ keys: keys.keys.map((key) => ({ ...key, kid })) });
  const changed = await offline();
  issuer.ended = ['ses_4'];
  changed.applyFeed(Buffer.from(issuer.feed()));
  issuer.ended = [];
  changed.installKeys(kid(other.jwks, 'other'));
  spoil();
  assert.throws(() => changed.decide(request), fails('gate_failed', /503/));
  assert.equal(changed.decide(request).reason, 'unknown_kid');
  changed.installKeys(issuer.jwks);
  assert.equal(changed.decide(request).reason, 'revoked');
  assert.equal(changed.decide(fresh()).status, 200);
});

test('what was fetched is fetched again after a trap, and nothing is let through before', async (context) => {
  const spoil = breakable(context);
  const other = await Issuer.start();
  context.after(() => other.stop());
  const request = read(...bearer(issuer.token({ sid: 'ses_5' })));
  issuer.ended = ['ses_5'];
  // Pinned are keys that the issuer no longer has.
  const withdrawn = { keys: other.jwks.keys.map((key) => ({ ...key, kid: 'withdrawn' })) };
  const gate = await load({ keys: { keys: [...issuer.jwks.keys, ...withdrawn.keys] } });
  await eventually(() => gate.status().keys.lastSuccess && gate.status().feed.fresh);
  assert.equal(gate.decide(request).reason, 'revoked');
  let answer;
  issuer.instead[FEED] = (res) => { answer = () => res.end(issuer.feed()); };
  issuer.instead[KEYS] = (res) => res.writeHead(500).end();
  spoil();
  assert.throws(() => gate.decide(request), fails('gate_failed', /503/));
  await eventually(() => answer !== undefined && gate.status().keys.failures > 0);
  assert.throws(() => gate.decide(request), fails('gate_failed', /503/));
  assert.throws(() => gate.verify(issuer.token()), fails('gate_failed', /503/));
  assert.equal(gate.status().keys.usable, false);
  delete issuer.instead[FEED];
  delete issuer.instead[KEYS];
  answer();
  await eventually(() => { try { return gate.decide(request).reason === 'revoked'; } catch { return false; } });
  issuer.ended = [];
});

test('decisions are written as `signet decide` writes them', async () => {
  const gate = await offline();
  assert.equal(
    JSON.stringify(gate.decide({ method: 'GET', target: '/healthz', headers: ['X-HTTP-Method', 'PUT'] })),
    '{"outcome":"allow","status":200,"code":null,"reason":null,"rule":"health","challenge":null,"set":[],"remove":["x-http-method"]}',
  );
});
