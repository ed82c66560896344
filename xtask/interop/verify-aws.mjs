// Checks an access token with aws-jwt-verify, from the issuer's JWKS URL: the token must be accepted,
// and refused when its claims, its audience or its issuer are not what is expected.
//
// usage: node verify-aws.mjs ISSUER AUDIENCE TOKEN   (node_modules beside the working directory)
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(pathToFileURL(process.cwd() + '/'));
const { JwtVerifier } = require('aws-jwt-verify');
const { SimpleJwksCache } = require('aws-jwt-verify/jwk');

const [issuer, audience, token] = process.argv.slice(2);
// Its own fetcher takes https only, which an issuer on this machine doesn't speak.
const fetcher = { fetch: async (uri) => (await fetch(uri)).arrayBuffer() };
const check = (candidate, options) =>
  JwtVerifier.create(
    { issuer, audience, jwksUri: `${issuer}/.well-known/jwks.json`, ...options },
    { jwksCache: new SimpleJwksCache({ fetcher }) },
  ).verify(candidate);

const payload = await check(token);
if (payload.iss !== issuer || !payload.sub) throw new Error('the claims are not the token’s');

// The same token for an admin, under the old signature.
const [header, , signature] = token.split('.');
const claims = Buffer.from(JSON.stringify({ ...payload, roles: ['admin'] })).toString('base64url');
const forged = [header, claims, signature].join('.');
for (const [candidate, options, name] of [
  [forged, {}, 'JwtInvalidSignatureError'],
  [token, { audience: 'somebody-else' }, 'JwtInvalidAudienceError'],
  [token, { issuer: 'https://elsewhere.example' }, 'JwtInvalidIssuerError'],
]) {
  const answer = await check(candidate, options).then(() => 'accepted', (error) => error.constructor.name);
  if (answer !== name) throw new Error(`aws-jwt-verify should say ${name}, and says ${answer}`);
}
console.log('aws-jwt-verify accepts the token and refuses its forgeries');
