// Checks an access token with fast-jwt, with the key from the issuer's JWKS URL: the token must be
// accepted, and refused when its claims, its audience or its issuer are not what is expected.
//
// usage: node verify-fast-jwt.mjs ISSUER AUDIENCE TOKEN   (node_modules beside the working directory)
import { createPublicKey } from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(pathToFileURL(process.cwd() + '/'));
const { createVerifier } = require('fast-jwt');

const [issuer, audience, token] = process.argv.slice(2);
const { keys } = await (await fetch(new URL('/.well-known/jwks.json', issuer))).json();
// fast-jwt leaves finding the key to its caller, who is given the token's own header.
const key = async ({ header }) => {
  const jwk = keys.find(({ kid }) => kid === header.kid);
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
};
const expected = { algorithms: ['EdDSA'], allowedIss: issuer, allowedAud: audience };
const check = (candidate, options) => createVerifier({ key, ...expected, ...options })(candidate);

const payload = await check(token);
if (payload.iss !== issuer || !payload.sub) throw new Error('the claims are not the token’s');

// The same token for an admin, under the old signature.
const [header, , signature] = token.split('.');
const claims = Buffer.from(JSON.stringify({ ...payload, roles: ['admin'] })).toString('base64url');
const forged = [header, claims, signature].join('.');
for (const [candidate, options, code] of [
  [forged, {}, 'FAST_JWT_INVALID_SIGNATURE'],
  [token, { allowedAud: 'somebody-else' }, 'FAST_JWT_INVALID_CLAIM_VALUE'],
  [token, { allowedIss: 'https://elsewhere.example' }, 'FAST_JWT_INVALID_CLAIM_VALUE'],
]) {
  const answer = await check(candidate, options).then(() => 'accepted', (error) => error.code);
  if (answer !== code) throw new Error(`fast-jwt should say ${code}, and says ${answer}`);
}
console.log('fast-jwt accepts the token and refuses its forgeries');
