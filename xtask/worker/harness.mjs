// The Worker as tests run it; the Worker itself is the one that is deployed.
//
// It is under a clock that they set: the file `clock` of the disk that is bound as CLOCK, which is read
// before each request. It holds "2036-07-18 13:20:00" (UTC, and it stands still), or "+400",
// seconds by which it is ahead of the machine's.
//
// Other programs are given a clock by preloading one; in workerd, a Worker's `Date` is enough.
//
// And a request with `x-trap` makes the module trap, as a panic does, which no request can else.

import Worker from "gate/index.js";

const RealDate = Date;
const TRAP = {
  get method() {
    throw new WebAssembly.RuntimeError("unreachable");
  },
};
let read = () => RealDate.now();

globalThis.Date = class extends RealDate {
  constructor(...parts) {
    super(...(parts.length === 0 ? [read()] : parts));
  }
  static now() {
    return read();
  }
};

function clock(text) {
  if (text.startsWith("+")) {
    const ahead = Number(text) * 1000;
    return () => RealDate.now() + ahead;
  }
  const frozen = RealDate.parse(`${text.replace(" ", "T")}Z`);
  return () => frozen;
}

export default {
  async fetch(request, env, context) {
    const response = await env.CLOCK.fetch("http://clock/clock");
    read = clock((await response.text()).trim());
    return new Worker(context, env).fetch(request.headers.has("x-trap") ? TRAP : request);
  },
};
