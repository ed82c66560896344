// Checks an access token with jose, from the issuer's JWKS URL: the token must be accepted, and
// refused when a character of its payload, its audience or its issuer is another.
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

const [header, body, signature] = token.split('.');
const other = body[10] === 'A' ? 'B' : 'A';
const forged = [header, body.slice(0, 10) + other + body.slice(11), signature].join('.');
const refused = [
  [forged, options],
  [token, { ...options, audience: 'somebody-else' }],
  [token, { ...options, issuer: 'https://elsewhere.example' }],
];
for (const [candidate, expected] of refused) {
  const accepted = await jwtVerify(candidate, keys, expected).then(() => true, () => false);
  if (accepted) throw new Error('jose accepted what it should refuse');
}
console.log('jose accepts the token and refuses its forgeries');
