// What one writes with jose, as cheaply as it can be: the same checks of a token as the gate's, the same
// rule, the same headers towards the origin. The keys are local, so that nothing is ever fetched.

import { createLocalJWKSet, jwtVerify } from "jose";

const AGENT = /^\/v1\/agents\/[^/]+$/;
let keys;
let options;

export default {
  async fetch(request, env) {
    keys ??= createLocalJWKSet(JSON.parse(env.JWKS));
    options ??= {
      issuer: env.ISSUER,
      audience: "agents-api",
      typ: "at+jwt",
      algorithms: ["EdDSA"],
      clockTolerance: 30,
      requiredClaims: ["exp", "iat", "sub", "sid", "jti", "client_id"],
    };
    const url = new URL(request.url);
    const bearer = /^Bearer ([\w.-]+)$/i.exec(request.headers.get("authorization") ?? "");
    if (bearer === null) return refusal(401);
    let claims;
    try {
      claims = (await jwtVerify(bearer[1], keys, options)).payload;
    } catch {
      return refusal(401);
    }
    if (request.method !== "GET" || !AGENT.test(url.pathname) || !claims.roles?.includes("admin")) {
      return refusal(403);
    }
    const forwarded = new Request(env.ORIGIN + url.pathname + url.search, request);
    const { headers } = forwarded;
    headers.set("x-signet-sub", claims.sub);
    headers.set("x-signet-sid", claims.sid);
    headers.set("x-signet-client", claims.client_id);
    headers.set("x-signet-roles", claims.roles.join());
    headers.set("x-signet-permissions", claims.permissions.join());
    headers.set("x-signet-exp", String(claims.exp));
    headers.set("x-signet-rule", "read-agent");
    return fetch(forwarded);
  },
};

function refusal(status) {
  return new Response(null, { status, headers: { "www-authenticate": "Bearer" } });
}
