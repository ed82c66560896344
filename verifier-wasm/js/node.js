// For Node.js, as a module and by `require` (which takes modules from 22.12 on), and for Bun.

import { readFileSync } from 'node:fs';

import { Gate as AnyGate } from './gate.js';

export { SignetError } from './error.js';

let module;

export class Gate extends AnyGate {
  static host = {
    /** Compiled once, whatever is made of it. */
    module: () => (module ??= new WebAssembly.Module(readFileSync(new URL('./verifier.wasm', import.meta.url)))),
    hasTimers: true,
    request: (tag) => ({
      redirect: 'manual',
      headers: { 'cache-control': 'no-cache', ...(tag === '' ? {} : { 'if-none-match': tag }) },
    }),
  };
}
