"""Checks an access token with PyJWT, from the issuer's JWKS URL.

usage: python verify_pyjwt.py ISSUER AUDIENCE TOKEN
"""

import sys

import jwt

issuer, audience, token = sys.argv[1:]
keys = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json")


def check(candidate, audience=audience, issuer=issuer):
    key = keys.get_signing_key_from_jwt(candidate)
    required = ["exp", "iat", "sub", "jti"]
    return jwt.decode(
        candidate,
        key,
        algorithms=["EdDSA"],
        audience=audience,
        issuer=issuer,
        options={"require": required},
    )


claims = check(token)
assert claims["sub"] and claims["client_id"], claims

header, body, signature = token.split(".")
other = "B" if body[10] == "A" else "A"
forged = ".".join([header, body[:10] + other + body[11:], signature])
for candidate, expected in [
    (forged, {}),
    (token, {"audience": "somebody-else"}),
    (token, {"issuer": "https://elsewhere.example"}),
]:
    try:
        check(candidate, **expected)
    except jwt.InvalidTokenError:
        continue
    sys.exit("PyJWT accepted what it should refuse")
print("PyJWT accepts the token and refuses its forgeries")
