// What a tab really sends to an origin and is answered: preflights, cookies and what scripts may not
// read as well, which only the browser itself can tell (Chrome DevTools Protocol, Network).

const PATIENCE = 10_000;

export class Traffic {
  #requests = new Map();

  /** Watches from now on. */
  static async of(page, origin) {
    const traffic = new Traffic();
    const session = await page.context().newCDPSession(page);
    const note = (event, read) =>
      session.on(`Network.${event}`, (told) => Object.assign(traffic.#request(told.requestId), read(told)));
    note('requestWillBeSent', ({ request: { method, url } }) =>
      ({ method, path: url.startsWith(`${origin}/`) ? url.slice(origin.length) : undefined }));
    note('requestWillBeSentExtraInfo', ({ headers }) => ({ asked: lowered(headers) }));
    note('responseReceivedExtraInfo', ({ statusCode, headers }) => ({ status: statusCode, answer: lowered(headers) }));
    note('loadingFailed', () => ({ failed: true }));
    await session.send('Network.enable');
    return traffic;
  }

  /** All requests of a method to a path that were sent, once it is known what became of each. */
  async of(method, path) {
    const found = () => [...this.#requests.values()].filter((request) => request.method === method && request.path === path);
    const isOver = ({ asked, status, failed }) => (asked ? status : failed);
    await until(() => found().every(isOver), () => `an answer to ${JSON.stringify(found())}`);
    return found().filter(({ asked }) => asked);
  }

  /** The last of them, once there is one. */
  async last(method, path) {
    const last = async () => (await this.of(method, path)).at(-1);
    return until(last, () => `${method} ${path}`);
  }

  #request(id) {
    if (!this.#requests.has(id)) this.#requests.set(id, {});
    return this.#requests.get(id);
  }
}

async function until(found, what) {
  for (const end = Date.now() + PATIENCE; Date.now() < end;) {
    const it = await found();
    if (it) return it;
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
  throw new Error(`never came: ${what()}`);
}

function lowered(headers) {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
