// What to do with a request.

/** What `signet decide` prints, in its order. */
const MEMBERS = ['outcome', 'status', 'code', 'reason', 'rule', 'challenge', 'set', 'remove'];

const UNAVAILABLE = {
  type: 'urn:signet:problem:unavailable',
  title: 'The service is not available',
  status: 503,
  code: 'unavailable',
  detail: 'Try again after as many seconds as Retry-After says.',
};

/** The answer to the client where the gate has failed and there is no decision. */
export const FAILURE = Object.freeze({
  status: UNAVAILABLE.status,
  headers: Object.freeze({
    'content-type': 'application/problem+json', 'cache-control': 'no-store', 'retry-after': '1',
  }),
  body: JSON.stringify(UNAVAILABLE),
});

export class Decision {
  constructor({ refused, rule, identity, set, remove }) {
    if (refused === null) {
      this.outcome = 'allow';
      this.status = 200;
      this.code = null;
      this.reason = null;
      this.rule = rule;
      this.challenge = null;
      this.set = set;
      this.remove = remove;
      this.identity = identity;
      this.answer = null;
    } else {
      const line = JSON.parse(refused[0]);
      this.outcome = 'deny';
      this.status = line.status;
      this.code = line.code;
      this.reason = line.reason;
      this.rule = line.rule;
      this.challenge = line.challenge;
      this.set = Object.freeze(line.set);
      this.remove = Object.freeze(line.remove);
      this.identity = null;
      this.answer = answer(line.status, refused);
    }
  }

  get isAllowed() {
    return this.outcome === 'allow';
  }

  toJSON() {
    return Object.fromEntries(MEMBERS.map((name) => [name, this[name]]));
  }
}

/** The answer to the client, from the lines behind the decision: names and values, then the body. */
function answer(status, lines) {
  const headers = {};
  const last = lines.length - 1;
  for (let index = 1; index < last; index += 2) headers[lines[index]] = lines[index + 1];
  return Object.freeze({ status, headers: Object.freeze(headers), body: lines[last] });
}
