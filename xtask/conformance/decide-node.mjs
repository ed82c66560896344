// Decides about cases in Node.js, with an installed @signet/verifier: NDJSON in, NDJSON out.
//
// usage: node decide-node.mjs PATH_OF_INSTALLED_PACKAGE < CASES
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';

import { decider } from './cases.mjs';

const require = createRequire(import.meta.url);
const { Gate } = require(resolve(process.argv[2], 'node.js'));
const decide = decider(Gate);

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  if (line !== '') process.stdout.write(`${await decide(line)}\n`);
}
