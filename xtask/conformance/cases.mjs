// A line of the conformance run to what the package makes of it: the line that `signet decide` prints.
// Runs in Node.js and in browsers.
//
// A line is {"policy", "keys", "feeds", "now", "leeway", "request": {"method", "path", "headers"}}.
// Times are strings of digits, and the strings of a request are Latin-1.

export function decider(Gate) {
  const gates = new Map();

  /** The gate of a case. Cases in a row have one world, so each is made once. */
  async function gateOf({ policy, keys, feeds, now, leeway }) {
    const world = JSON.stringify([policy, keys, feeds, now, leeway]);
    if (!gates.has(world)) {
      gates.clear();
      const options = { policy, feeds, leeway: BigInt(leeway), offline: true, now: () => BigInt(now) * 1000n };
      // Of keys none of which can be used, a gate that fetched them would have none either.
      const gate = Gate.load({ ...options, keys: keys ?? undefined }).catch((error) => {
        if (error.reason !== 'no_usable_key') throw error;
        return Gate.load(options);
      });
      gates.set(world, await gate);
    }
    return gates.get(world);
  }

  return async (line) => {
    const { request, ...world } = JSON.parse(line);
    const gate = await gateOf(world);
    const { method, path, headers } = request;
    return JSON.stringify(gate.decide({ method, target: path, headers }));
  };
}
