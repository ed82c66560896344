// For browsers, and for bundlers, which find `verifier.wasm` by the way it is written here.

import { Gate as AnyGate } from './gate.js';

export { SignetError } from './error.js';

export class Gate extends AnyGate {
  static host = {
    module: () => new URL('./verifier.wasm', import.meta.url),
    hasTimers: true,
    // The browser's cache asks whether something has changed. A header of ours would need a preflight.
    request: () => ({ cache: 'no-cache', redirect: 'error', credentials: 'omit' }),
  };
}
