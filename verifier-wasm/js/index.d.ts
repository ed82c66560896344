/// <reference lib="esnext.disposable" />
/**
 * Signet's gate for JavaScript: it decides about requests by the tokens that an issuer signs and by a
 * policy, with the same WebAssembly code on every host.
 *
 * ```js
 * const gate = await Gate.load({ policy });
 * const decision = gate.decide({ method: req.method, target: req.url, headers: req.rawHeaders });
 * ```
 *
 * @packageDocumentation
 */

/** What may be asked for in {@link Gate.load}. */
export interface GateOptions {
  /**
   * The rules, as `signet policy compile policy.toml` prints them. Without a policy the gate only
   * verifies tokens, and `issuer` and `audience` say which.
   */
  policy?: string | object;
  /** Whose tokens are taken: the `iss` of tokens and the URL of the issuer. Beside a policy, it must be the same. */
  issuer?: string;
  /** Whom tokens must be for: one of these. Beside a policy, it must be the same. */
  audience?: string | readonly string[];
  /**
   * Keys to begin with, a key set as the issuer publishes it. Then {@link Gate.load} waits for nothing, and
   * they are good until others have been fetched; with `offline`, for good.
   */
  keys?: string | object | Uint8Array;
  /** Revocation feeds to begin with, applied in this order. One that is refused changes nothing. */
  feeds?: readonly (string | Uint8Array)[];
  /** Asks nobody, ever. `keys` are what there is, and {@link Gate.installKeys} and {@link Gate.applyFeed}. */
  offline?: boolean;
  /** Where the keys are. Default: `/.well-known/jwks.json` below the issuer. */
  keysUrl?: string;
  /** Where the revocation feed is, or `false` for none. Default: `/.well-known/signet-revocations` below the issuer. */
  feedUrl?: string | false;
  /** For how many seconds keys are used when no newer ones can be had. Default: a day. */
  maxStale?: number;
  /** Seconds granted to clocks that differ, at most 60: the revocation feed names ended sessions no longer. Default: 30. */
  leeway?: number | bigint;
  /**
   * When a key is given a table with which it checks signatures in a third of the time, at 380 kB for
   * each and 640 kB for all: after 16 uses (the default), at once, or never.
   */
  tables?: 'after_uses' | 'eager' | 'never';
  /**
   * Whether a timer keeps keys and feed fresh. It doesn't keep Node.js running. Default: yes, but on
   * workerd, where {@link Gate.refresh} does it.
   */
  timer?: boolean;
  /** What fetches instead of the global `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** The clock, in milliseconds since 1970, as `Date.now` tells them; it is the default. */
  now?: () => number | bigint;
  /** Where `verifier.wasm` is, or what is in it, for bundlers that don't find it. */
  wasm?: string | URL | Response | BufferSource | WebAssembly.Module;
}

/** The head of a request, as it came over the wire. */
export interface RequestHead {
  method: string;
  /** Path and query, before anything was decoded, resolved or rewritten: `req.url` in Node.js. */
  target: string;
  /**
   * Node.js's `rawHeaders` (names and values in turn), a `Headers`, or pairs. Not Node.js's `headers`: of
   * what came twice, it has lost one.
   *
   * A character stands for a byte, as everywhere in HTTP's APIs. Where the gate finds any other, it
   * refuses the request with 400, and so it does where it would have to look at more than 1 MiB.
   */
  headers: readonly string[] | Iterable<readonly [name: string, value: string]>;
}

/** What clients are told. */
export type Code =
  | 'invalid_request'
  | 'missing_token'
  | 'invalid_token'
  | 'reauthentication_required'
  | 'insufficient_scope'
  | 'no_rule'
  | 'keys_unavailable'
  | 'revocation_unavailable';

/** An answer to a client, to be sent as it is. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A header: its name in lower case, and its value. */
export type Header = readonly [name: string, value: string];

interface DecisionBase {
  /** The id of the rule that decided, if one did. */
  readonly rule: string | null;
  /** Names of headers to take away first, in lower case: clients may not send them. */
  readonly remove: readonly string[];
  /** What `signet decide` prints for the request. */
  toJSON(): DecisionLine;
}

/** The request goes on, without the headers of `remove` and with those of `set`. */
export interface Allowed extends DecisionBase {
  readonly outcome: 'allow';
  readonly isAllowed: true;
  readonly status: 200;
  readonly code: null;
  readonly reason: null;
  readonly challenge: null;
  /** Headers that tell who asks; none without an identity. */
  readonly set: readonly Header[];
  /** Who asks, unless the rule lets anyone through. */
  readonly identity: Identity | null;
  readonly answer: null;
}

/** The client gets `answer`, and nobody else sees the request. */
export interface Denied extends DecisionBase {
  readonly outcome: 'deny';
  readonly isAllowed: false;
  readonly status: 400 | 401 | 403 | 503;
  readonly code: Code;
  /** Why the token is bad, for logs and metrics only. */
  readonly reason: string | null;
  /** The value of `WWW-Authenticate`. */
  readonly challenge: string | null;
  readonly set: readonly [];
  readonly identity: null;
  readonly answer: Answer;
}

/** What to do with a request. */
export type Decision = Allowed | Denied;

/** A decision as a line of `signet decide`. */
export interface DecisionLine {
  outcome: 'allow' | 'deny';
  status: number;
  code: Code | null;
  reason: string | null;
  rule: string | null;
  challenge: string | null;
  set: readonly Header[];
  remove: readonly string[];
}

/** Whoever has a good token, as of when it was looked at. */
export interface Identity {
  /** `sub`: the account. */
  readonly subject: string;
  /** `sid`: the session. */
  readonly sessionId: string;
  /** `client_id`: the client it was issued to. */
  readonly clientId: string;
  readonly roles: readonly string[];
  /** The token's permissions, and those that its roles bring by the policy's `roles`. */
  readonly permissions: readonly string[];
  /** `exp`: the first second at which it is over. */
  readonly expiresAt: number;
  /** Everything the token says, read anew each time. */
  readonly claims: Record<string, unknown>;
  /** Whether it has this permission, as a rule's `{ permission }` asks. */
  can(permission: string): boolean;
  /** Whether it has this role, as a rule's `{ role }` asks. */
  hasRole(role: string): boolean;
}

/** How it goes with a document of the issuer. The last four are absent where nothing is fetched. */
export interface DocumentStatus {
  /** How many times it was asked for. */
  readonly fetches?: number;
  /** How many bad answers came since the last good one. */
  readonly failures?: number;
  /** When the last good answer came, in milliseconds since 1970. */
  readonly lastSuccess?: number | null;
  /** The code of why the last bad answer was ignored. */
  readonly lastFault?: string | null;
}

/** How it goes, for readiness probes and metrics. */
export interface Status {
  readonly keys: DocumentStatus & {
    /** Whether there are keys to check tokens with. */
    readonly usable: boolean;
  };
  readonly feed: DocumentStatus & {
    /** Whether the feed is known to be all there is. */
    readonly fresh: boolean;
  };
}

/** Decides about requests. */
export class Gate {
  private constructor();

  /**
   * Makes a gate. It fetches the issuer's keys, and the revocation feed if that comes within a second,
   * and keeps both fresh from then on. While the issuer is away, its last keys stay good for a day; then
   * every token is refused with 503.
   *
   * @throws {SignetError} `invalid_policy`, `issuer_mismatch`, `audience_mismatch`, `invalid_options`,
   * `invalid_keys`, `insecure_issuer`: mistakes; `keys_unavailable`: the keys can't be had, and a service
   * that can't check tokens shouldn't start; `wasm_unavailable`.
   */
  static load(options: GateOptions): Promise<Gate>;

  /** Whose tokens are taken. */
  readonly issuer: string;

  /**
   * Decides about the head of a request, at once and by what is known.
   *
   * @throws {SignetError} `gate_failed`: the gate itself failed, which no request should bring about.
   * Refuse the request; the gate makes itself anew, and throws until it knows again what it knew.
   * @throws {TypeError} The head is none.
   */
  decide(request: RequestHead): Decision;

  /**
   * Decides like {@link Gate.decide}, and waits a second at most for what is on its way: a fresh revocation
   * feed where the rule requires one, and newer keys or a newer feed where somebody would be let through by
   * old ones, as after a pause of a host without timers. If nothing comes, the old ones decide.
   */
  decideFresh(request: RequestHead): Promise<Decision>;

  /**
   * Decides about a request of a Fetch handler: answers the `Response` that refuses it, or the `Request`
   * to go on with, in which the headers are as the decision says.
   */
  admit(request: Request): Promise<Request | Response>;

  /**
   * Whose token this is, if it is good and as far as is known not revoked. For hosts without a request,
   * such as a page that hides what wouldn't be allowed. What a page hides, the server must refuse.
   *
   * @throws {SignetError} `invalid_token`, with `reason`, or `keys_unavailable`.
   */
  verify(token: string): Identity;

  /** Uses these keys from now on, a key set as the issuer publishes it, however old they get. */
  installKeys(keys: string | object | Uint8Array): void;

  /**
   * Takes a revocation feed that came in another way.
   *
   * @throws {SignetError} `feed_ignored`, with `reason`. What was in force is as it was.
   */
  applyFeed(feed: string | Uint8Array): 'changed' | 'extended' | 'already_known';

  /**
   * Fetches what is due, which mostly is nothing. For hosts without timers: `ctx.waitUntil(gate.refresh())`,
   * before a decision and, for what that lacked, after it.
   */
  refresh(): Promise<void>;

  /** How it goes. */
  status(): Status;

  /** Stops fetching. The gate decides by what it has for as long as that is good. */
  close(): void;

  /** The same, for `using gate = await Gate.load(…)`. */
  [Symbol.dispose](): void;
}

/** Why something can't be done. Its message says what to do about it. */
export class SignetError extends Error {
  constructor(code: string, message: string, more?: { reason?: string | null; cause?: unknown });
  readonly name: 'SignetError';
  readonly code:
    | 'invalid_options'
    | 'invalid_policy'
    | 'issuer_mismatch'
    | 'audience_mismatch'
    | 'insecure_issuer'
    | 'invalid_keys'
    | 'keys_unavailable'
    | 'wasm_unavailable'
    | 'feed_ignored'
    | 'invalid_token'
    | 'gate_failed'
    | (string & {});
  /** The verifier's code of why a token, a key set or a feed is refused; for logs. */
  readonly reason: string | null;
}
