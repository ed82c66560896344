// The installed package in workerd, bundled by esbuild as wrangler does it.
//
// usage: node workerd.mjs FOLDER_WITH_NODE_MODULES WORKERD   (node_modules with esbuild beside the working directory)
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { Issuer, policy } from './issuer.mjs';

const require = createRequire(pathToFileURL(process.cwd() + '/'));
const esbuild = require('esbuild');
const [folder, workerd] = process.argv.slice(2);

const KEYS = '/.well-known/jwks.json';
const FEED = '/.well-known/signet-revocations';

const issuer = await Issuer.start();
// At first it has another key than the one that it will sign tokens with.
const other = await Issuer.start();
other.stop();
issuer.instead[KEYS] = (res) => res.end(JSON.stringify({ keys: other.jwks.keys.map((key) => ({ ...key, kid: 'other' })) }));
issuer.instead[FEED] = (res) => res.writeHead(404).end();
writeFileSync(join(folder, 'worker.mjs'), `
  import { Gate } from '@signet/verifier';
  const policy = ${JSON.stringify(policy(issuer.url))};
  let gate;
  export default {
    async fetch(request, env, ctx) {
      gate ??= await Gate.load({ policy });
      ctx.waitUntil(gate.refresh());
      const admitted = await gate.admit(request);
      ctx.waitUntil(gate.refresh());
      return admitted instanceof Response ? admitted : new Response(admitted.headers.get('x-signet-sub'));
    },
  };`);
await esbuild.build({
  entryPoints: [join(folder, 'worker.mjs')], outfile: join(folder, 'worker/index.js'), bundle: true, format: 'esm',
  conditions: ['workerd', 'worker', 'browser'],
  plugins: [{
    name: 'wasm-beside',
    setup: (build) => build.onResolve({ filter: /\.wasm$/ }, () => ({ path: './verifier.wasm', external: true })),
  }],
});
copyFileSync(join(folder, 'node_modules/@signet/verifier/verifier.wasm'), join(folder, 'worker/verifier.wasm'));

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});
writeFileSync(join(folder, 'worker/config.capnp'), `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = .app), (name = "internet", network = (allow = ["private", "public", "local"])) ],
  sockets = [ (name = "http", address = "127.0.0.1:${port}", http = (), service = "main") ],
);
const app :Workerd.Worker = (
  modules = [
    (name = "index.js", esModule = embed "index.js"),
    (name = "verifier.wasm", wasm = embed "verifier.wasm"),
  ],
  compatibilityDate = "2024-09-23",
);`);
const server = spawn(workerd, ['serve', join(folder, 'worker/config.capnp')], { stdio: 'inherit' });
try {
  const ask = (path, token) => fetch(`http://127.0.0.1:${port}${path}`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  let first;
  for (let tries = 0; first === undefined && tries < 300; tries += 1) {
    first = await ask('/v1/agents/7').catch(() => new Promise((resolve) => setTimeout(resolve, 100)));
  }
  assert.equal(first.status, 401);

  // The key of a token is new. Its fetch, which may begin ten seconds after the last, outlives the request.
  issuer.instead[KEYS] = (res) => setTimeout(() => res.end(JSON.stringify(issuer.jwks)), 500);
  await new Promise((resolve) => setTimeout(resolve, 10_500));
  assert.equal((await ask('/v1/agents/7', issuer.token())).status, 401);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const good = await ask('/v1/agents/7', issuer.token());
  assert.deepEqual([good.status, await good.text()], [200, 'usr_1']);
  assert.equal((await ask('/v1/agents/7', 'a.b.c')).status, 401);
  assert.equal((await ask('/nowhere', issuer.token())).status, 403);
} finally {
  server.kill();
  issuer.stop();
}
