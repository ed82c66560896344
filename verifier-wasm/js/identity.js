// Whoever has a good token.

/** The headers that tell upstream who asks, by the rule that decided; for `core.js` alone. */
export const HEADERS = Symbol('headers');

const NAMES = ['x-signet-sub', 'x-signet-sid', 'x-signet-client', 'x-signet-roles', 'x-signet-permissions', 'x-signet-exp'];

export class Identity {
  #claims;
  #values;
  #headers = new Map();

  /** Reads what `identities.rs` writes: a line for each header and for all permissions, then the claims. */
  constructor(text) {
    const lines = text.split('\n');
    this.#values = lines.slice(0, NAMES.length);
    const [subject, sessionId, clientId, roles, , expiresAt, permissions] = lines;
    this.#claims = lines.slice(NAMES.length + 1).join('\n');
    this.subject = subject;
    this.sessionId = sessionId;
    this.clientId = clientId;
    this.roles = names(roles);
    this.permissions = names(permissions);
    this.expiresAt = Number(expiresAt);
    Object.freeze(this);
  }

  get claims() {
    return JSON.parse(this.#claims);
  }

  can(permission) {
    return this.permissions.includes(permission);
  }

  hasRole(role) {
    return this.roles.includes(role);
  }

  [HEADERS](rule) {
    let headers = this.#headers.get(rule);
    if (headers === undefined) {
      const pairs = this.#values.map((value, place) => Object.freeze([NAMES[place], value]));
      headers = Object.freeze([...pairs, Object.freeze(['x-signet-rule', rule])]);
      this.#headers.set(rule, headers);
    }
    return headers;
  }
}

/** A list of names, none of which has a comma in it. */
function names(text) {
  return Object.freeze(text === '' ? [] : text.split(','));
}
