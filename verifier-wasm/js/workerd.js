// For workerd, which compiles modules while it starts and has timers only within a request.

import module from './verifier.wasm';

import { Gate as AnyGate } from './gate.js';

export { SignetError } from './error.js';

export class Gate extends AnyGate {
  static host = {
    module: () => module,
    hasTimers: false,
    request: (tag) => ({
      redirect: 'manual',
      headers: { 'cache-control': 'no-cache', ...(tag === '' ? {} : { 'if-none-match': tag }) },
    }),
  };
}
