// Decides about cases in Chromium, with an installed @signet/verifier: NDJSON in, NDJSON out.
//
// usage: node decide-browser.mjs PATH_OF_INSTALLED_PACKAGE CHROMIUM < CASES
//        (node_modules with playwright-core beside the working directory)
import { dirname, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { inBrowser } from './browser.mjs';

const [installed, chromium] = process.argv.slice(2);
const folders = { package: resolve(installed), here: dirname(fileURLToPath(import.meta.url)) };
const lines = (await text(process.stdin)).split('\n').filter((line) => line !== '');

const decided = await inBrowser(chromium, folders, (page) =>
  page.evaluate(async (cases) => {
    const { Gate } = await import('/package/browser.js');
    const { decider } = await import('/here/cases.mjs');
    const decide = decider(Gate);
    const decisions = [];
    for (const line of cases) decisions.push(await decide(line));
    return decisions;
  }, lines));
process.stdout.write(decided.map((line) => `${line}\n`).join(''));
