// Decisions in Node.js, beside what jose and fast-jwt take to check the same tokens. Prints one line of
// JSON: a figure a member, in microseconds for one token; the instantiation in milliseconds.
//
// usage: node node.mjs PATH_OF_THE_PACKAGE   (node_modules beside the working directory)
import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(pathToFileURL(process.cwd() + '/'));
const { importJWK, jwtVerify } = await import(pathToFileURL(require.resolve('jose')).href);
const { createVerifier } = require('fast-jwt');
const folder = resolve(process.argv[2]);
const { Gate } = await import(pathToFileURL(resolve(folder, 'node.js')).href);

const ISSUER = 'https://auth.example.com';
const AUDIENCE = 'agents-api';
/** More than a gate or fast-jwt remembers: when a token's turn comes again, it has been forgotten. */
const TOKENS = 2_048;
/** How often subjects take turns, and for about how many nanoseconds: a busy machine interrupts longer turns. */
const ROUNDS = 150;
const TURN = 2_000_000;

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'main', alg: 'EdDSA', use: 'sig' };
const now = Math.floor(Date.now() / 1000);

function token(number) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    iat: now - 60, exp: now + 3_000, iss: ISSUER, aud: AUDIENCE,
    sub: '0b1e7a52-4f0e-4c62-9a0e-0d6a2f3c9b1d',
    jti: `5a1c9d1e-8a7b-4c3d-9e2f-${String(number).padStart(12, '0')}`,
    sid: 'c2a9e0f4-1d3b-4a5c-8e7f-6b5a4d3c2b1a',
    client_id: 'signet', auth_time: now - 600, ver: 3,
    roles: ['user', 'support'], permissions: ['agents:read', 'agents:run'],
  };
  const signed = `${encode({ alg: 'EdDSA', typ: 'at+jwt', kid: 'main' })}.${encode(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
}

/** The head of a browser's request, as Node.js has it. */
function request(bearer) {
  return {
    method: 'GET',
    target: '/v1/resource-77/0b1e7a52-4f0e-4c62-9a0e-0d6a2f3c9b1d/runs?page=2',
    headers: [
      'Host', 'api.example.com',
      'User-Agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      'Accept', 'application/json',
      'Accept-Language', 'en-GB,en;q=0.5',
      'Accept-Encoding', 'gzip, deflate, br, zstd',
      'Origin', 'https://app.example.com',
      'Connection', 'keep-alive',
      'Content-Type', 'application/json',
      'X-Request-Id', '0b1e7a52-4f0e-4c62-9a0e-0d6a2f3c9b1d',
      'X-Forwarded-For', '203.0.113.7',
      'X-Forwarded-Proto', 'https',
      'Authorization', `Bearer ${bearer}`,
    ],
  };
}

const rules = Array.from({ length: 500 }, (_, number) => ({
  id: `rule-${number}`,
  methods: ['GET'],
  path: `/v1/resource-${number}/{id}/runs`,
  allow: { permission: 'agents:read' },
}));
const policy = { version: 1, issuer: ISSUER, audience: [AUDIENCE], rule: rules };
const gate = await Gate.load({ policy, keys: { keys: [jwk] }, offline: true, tables: 'eager' });

const tokens = Array.from({ length: TOKENS }, (_, number) => token(number));
const requests = tokens.map(request);
const key = await importJWK(jwk, 'EdDSA');
const expected = { issuer: ISSUER, audience: AUDIENCE, algorithms: ['EdDSA'], typ: 'at+jwt' };
const options = {
  key: publicKey.export({ format: 'pem', type: 'spki' }),
  algorithms: ['EdDSA'], allowedIss: ISSUER, allowedAud: AUDIENCE, checkTyp: 'at+jwt',
};
const [plain, caching] = [createVerifier(options), createVerifier({ ...options, cache: true })];

function decide(head) {
  if (!gate.decide(head).isAllowed) throw new Error('refused');
}

function cycle(values) {
  let next = 0;
  return () => values[next++ % values.length];
}

const [cold, josed, fast] = [cycle(requests), cycle(tokens), cycle(tokens)];
const subjects = {
  'signet, decided for the first time': () => decide(cold()),
  'signet, decided again': () => decide(requests[0]),
  'signet, verified again': () => gate.verify(tokens[0]),
  'jose, jwtVerify': () => jwtVerify(josed(), key, expected),
  'fast-jwt': () => plain(fast()),
  'fast-jwt, from its cache': () => caching(tokens[0]),
};

/** The nanoseconds of one call, over so many calls. */
async function measure(run, calls) {
  const isAsync = run() instanceof Promise;
  const start = process.hrtime.bigint();
  for (let call = 0; call < calls; call += 1) {
    if (isAsync) await run();
    else run();
  }
  return Number(process.hrtime.bigint() - start) / calls;
}

/** The least time of one call, in microseconds, over rounds in which the subjects take turns. */
async function fastest() {
  const times = {};
  for (const [name, run] of Object.entries(subjects)) times[name] = await measure(run, 2_000);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, run] of Object.entries(subjects)) {
      const calls = Math.ceil(TURN / times[name]);
      times[name] = Math.min(times[name], await measure(run, calls));
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, time]) => [name, time / 1_000]));
}

/** The least time from the bytes to an instance, in milliseconds. */
function instantiation() {
  const bytes = readFileSync(resolve(folder, 'verifier.wasm'));
  const none = { './signet_wasm_bg.js': { __wbindgen_init_externref_table() {} } };
  const times = Array.from({ length: 9 }, () => {
    const start = performance.now();
    new WebAssembly.Instance(new WebAssembly.Module(bytes), none);
    return performance.now() - start;
  });
  return Math.min(...times);
}

console.log(JSON.stringify({ ...(await fastest()), instantiation: instantiation() }));
