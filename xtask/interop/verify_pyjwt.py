"""Checks an access token with PyJWT, from the issuer's JWKS URL: it must be accepted, and
refused when its claims, its audience, its issuer or its algorithm are not what is expected.

usage: python verify_pyjwt.py ISSUER AUDIENCE TOKEN
"""

import json
import sys

import jwt

issuer, audience, token = sys.argv[1:]
keys = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json")


def check(candidate, audience=audience, issuer=issuer, algorithms=("EdDSA",)):
    key = keys.get_signing_key_from_jwt(candidate)
    required = ["exp", "iat", "sub", "jti"]
    return jwt.decode(
        candidate,
        key,
        algorithms=list(algorithms),
        audience=audience,
        issuer=issuer,
        options={"require": required},
    )


claims = check(token)
assert claims["sub"] and claims["client_id"], claims

# The same token for an admin, under the old signature.
header, _, signature = token.split(".")
body = json.dumps({**claims, "roles": ["admin"]}).encode()
forged = ".".join([header, jwt.utils.base64url_encode(body).decode(), signature])
for candidate, expected, refusal in [
    (forged, {}, jwt.InvalidSignatureError),
    (token, {"audience": "somebody-else"}, jwt.InvalidAudienceError),
    (token, {"issuer": "https://elsewhere.example"}, jwt.InvalidIssuerError),
    (token, {"algorithms": ["ES256"]}, jwt.InvalidAlgorithmError),
]:
    try:
        check(candidate, **expected)
    except refusal:
        continue
    sys.exit(f"PyJWT should refuse with {refusal.__name__}")
print("PyJWT accepts the token and refuses its forgeries")
