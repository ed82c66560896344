// Checks an access token with jose, from the issuer's JWKS URL: the token must be accepted, and
// refused when its claims, its audience, its issuer or its algorithm are not what is expected.
//
// usage: node verify-jose.mjs ISSUER AUDIENCE TOKEN   (node_modules beside the working directory)
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(pathToFileURL(process.cwd() + '/'));
const { createRemoteJWKSet, jwtVerify } = await import(pathToFileURL(require.resolve('jose')).href);

const [issuer, audience, token] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer));
const options = { issuer, audience, algorithms: ['EdDSA'], typ: 'at+jwt' };

const { payload } = await jwtVerify(token, keys, options);
if (payload.iss !== issuer || !payload.sub) throw new Error('the claims are not the token’s');

// The same token for an admin, under the old signature.
const [header, , signature] = token.split('.');
const claims = Buffer.from(JSON.stringify({ ...payload, roles: ['admin'] })).toString('base64url');
const forged = [header, claims, signature].join('.');
const refused = [
  [forged, options, 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'],
  [token, { ...options, audience: 'somebody-else' }, 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
  [token, { ...options, issuer: 'https://elsewhere.example' }, 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
  [token, { ...options, algorithms: ['ES256'] }, 'ERR_JOSE_ALG_NOT_ALLOWED'],
];
for (const [candidate, expected, code] of refused) {
  const answer = await jwtVerify(candidate, keys, expected).then(() => 'accepted', (error) => error.code);
  if (answer !== code) throw new Error(`jose should say ${code}, and says ${answer}`);
}
console.log('jose accepts the token and refuses its forgeries');
