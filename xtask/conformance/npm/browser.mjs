// The installed package in Chromium: as it is, and as esbuild bundles it for browsers. The page fetches
// keys from another origin, under a Content-Security-Policy.
//
// usage: node browser.mjs FOLDER_WITH_NODE_MODULES CHROMIUM BROWSER_MJS
//        (node_modules with playwright-core and esbuild beside the working directory)
import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { Issuer, policy } from './issuer.mjs';

const require = createRequire(pathToFileURL(process.cwd() + '/'));
const esbuild = require('esbuild');
const [folder, chromium, library] = process.argv.slice(2);
const { inBrowser } = await import(pathToFileURL(library).href);
const installed = join(folder, 'node_modules/@signet/verifier');

const entry = join(folder, 'page.mjs');
writeFileSync(entry, "export * from '@signet/verifier';\n");
await esbuild.build({ entryPoints: [entry], outfile: join(folder, 'bundle/page.js'), bundle: true, format: 'esm', minify: true });
copyFileSync(join(installed, 'verifier.wasm'), join(folder, 'bundle/verifier.wasm'));

const withLoader = join(folder, 'page-with-loader.mjs');
writeFileSync(withLoader, "import wasm from '@signet/verifier/verifier.wasm';\nexport * from '@signet/verifier';\nexport { wasm };\n");
await esbuild.build({
  entryPoints: [withLoader], outfile: join(folder, 'loader/page.js'), bundle: true, format: 'esm',
  loader: { '.wasm': 'file' }, publicPath: '/loader',
});

const issuer = await Issuer.start();
const folders = { package: installed, bundle: join(folder, 'bundle'), loader: join(folder, 'loader') };
try {
  await inBrowser(chromium, folders, async (page) => {
    for (const module of ['/package/browser.js', '/bundle/page.js', '/loader/page.js']) {
      const given = { module, policy: policy(issuer.url), token: issuer.token() };
      const seen = await page.evaluate(async ({ module, policy, token }) => {
        const { Gate, wasm } = await import(module);
        const gate = await Gate.load(wasm ? { policy, wasm } : { policy });
        const me = gate.verify(token);
        const headers = [['authorization', `Bearer ${token}`]];
        const { status } = gate.decide({ method: 'GET', target: '/v1/agents/7', headers });
        const refused = await gate.admit(new Request('/v1/agents/7'));
        const { keys, feed } = gate.status();
        gate.close();
        return [me.subject, me.can('agents:read'), me.can('agents:write'), status, refused.status, keys.usable, feed.fresh];
      }, given);
      assert.deepEqual(seen, ['usr_1', true, false, 200, 401, true, true], module);
    }
  });
  const [asked] = issuer.asked;
  assert.equal(asked.headers['if-none-match'], undefined);
  assert.equal(asked.headers.cookie, undefined);
} finally {
  issuer.stop();
}
