"""Checks an access token with joserfc, from the issuer's JWKS URL: it must be accepted, and
refused when its claims, its audience, its issuer or its algorithm are not what is expected.

usage: python verify_joserfc.py ISSUER AUDIENCE TOKEN
"""

import base64
import json
import sys
import urllib.request

from joserfc import errors, jwt
from joserfc.jwk import KeySet

issuer, audience, token = sys.argv[1:]
with urllib.request.urlopen(f"{issuer}/.well-known/jwks.json") as answer:
    keys = KeySet.import_key_set(json.load(answer))


def check(candidate, audience=audience, issuer=issuer, algorithms=("Ed25519", "EdDSA")):
    checked = jwt.decode(candidate, keys, algorithms=list(algorithms))
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        sub={"essential": True},
    ).validate(checked.claims)
    return checked.claims


claims = check(token)
assert claims["client_id"], claims

# The same token for an admin, under the old signature.
header, _, signature = token.split(".")
body = json.dumps({**claims, "roles": ["admin"]}).encode()
body = base64.urlsafe_b64encode(body).rstrip(b"=").decode()
forged = ".".join([header, body, signature])
for candidate, expected, refusal in [
    (forged, {}, errors.BadSignatureError),
    (token, {"audience": "somebody-else"}, errors.InvalidClaimError),
    (token, {"issuer": "https://elsewhere.example"}, errors.InvalidClaimError),
    (token, {"algorithms": ["ES256"]}, errors.UnsupportedAlgorithmError),
]:
    try:
        check(candidate, **expected)
    except refusal:
        continue
    except errors.JoseError as other:
        sys.exit(f"joserfc should refuse with {refusal.__name__}, and says {other!r}")
    sys.exit(f"joserfc should refuse with {refusal.__name__}")
print("joserfc accepts the token and refuses its forgeries")
