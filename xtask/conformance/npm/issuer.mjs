// An issuer for the tests: it signs tokens and feeds, and can be told to misbehave.
import { generateKeyPairSync, createHash, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

const KEYS = '/.well-known/jwks.json';
const FEED = '/.well-known/signet-revocations';

export class Issuer {
  asked = [];
  /** What it answers instead of keys or feed, by path: a function of the response. */
  instead = {};
  ended = [];
  #key = generateKeyPairSync('ed25519');
  #seq = 0;
  #server = createServer((req, res) => this.#answer(req, res));

  static async start() {
    const issuer = new Issuer();
    await issuer.listen();
    return issuer;
  }

  async listen(port = 0) {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get jwks() {
    const { x } = this.#key.publicKey.export({ format: 'jwk' });
    return { keys: [{ kty: 'OKP', crv: 'Ed25519', kid: 'main', x, use: 'sig', alg: 'EdDSA' }] };
  }

  token(claims = {}) {
    const now = seconds();
    return this.#sign('at+jwt', {
      iss: this.url, aud: 'agents-api', sub: 'usr_1', sid: 'ses_1', client_id: 'web', jti: 'jti_1',
      iat: now, exp: now + 300, auth_time: now, roles: ['support'], permissions: ['agents:run'], ...claims,
    });
  }

  feed() {
    const now = seconds();
    const prefixes = this.ended.map((sid) => createHash('sha256').update(sid).digest().subarray(0, 8));
    const e = Buffer.concat(prefixes.sort(Buffer.compare)).toString('base64url');
    this.#seq += 1;
    return this.#sign('signet-rev+jwt', { iss: this.url, iat: now, exp: now + 30, epoch: 1, seq: this.#seq, e, u: [], k: [] });
  }

  #sign(typ, claims) {
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${encode({ alg: 'EdDSA', typ, kid: 'main' })}.${encode(claims)}`;
    return `${signed}.${sign(null, Buffer.from(signed), this.#key.privateKey).toString('base64url')}`;
  }

  #answer(req, res) {
    const path = req.url.split('?')[0];
    this.asked.push({ path, headers: req.headers });
    res.setHeader('access-control-allow-origin', '*');
    if (this.instead[path]) return this.instead[path](res);
    if (path === KEYS) return res.end(JSON.stringify(this.jwks));
    if (path === FEED) return res.end(this.feed());
    res.writeHead(404).end();
  }
}

export const seconds = () => Math.floor(Date.now() / 1000);

export function policy(issuer) {
  return {
    version: 1,
    issuer,
    audience: ['agents-api'],
    roles: { support: ['agents:read'] },
    rule: [
      { id: 'health', methods: ['GET'], path: '/healthz', allow: 'anyone' },
      { id: 'read', methods: ['GET'], path: '/v1/agents/{agent}', allow: { permission: 'agents:read' } },
      { id: 'rotate', methods: ['POST'], path: '/v1/keys', allow: 'authenticated', revocation: 'required' },
    ],
  };
}
