"""A refresh as it is well written with FastAPI and Redis: the peer of `cargo xtask bench refresh`.

Redis knows a refresh token by its hash, for as long as it may be used. One call of a script exchanges it
for the next, so that of two requests with the same token one is refused. Then an access token is signed.

It does less than Signet: nothing is on a disk, a token that comes back a second time is refused but tells
nobody of a theft, account and roles are what they were at the login, and there is no limit.
"""

import hashlib
import json
import os
import secrets
import time
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from redis.asyncio import Redis

ISSUER = "https://auth.example.com"
AUDIENCE = "agents-api"
KID = "1"
KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(os.environ["SIGNING_KEY"]))
ACCESS_SECONDS = 300
REFRESH_SECONDS = 14 * 86_400

redis = Redis.from_url(os.environ["REDIS_URL"])
rotate = redis.register_script(
    """
    local session = redis.call('GETDEL', KEYS[1])
    if session then
        redis.call('SET', KEYS[2], session, 'EX', ARGV[1])
    end
    return session
    """
)
app = FastAPI()


class Login(BaseModel):
    email: str


class Refresh(BaseModel):
    refresh_token: str


class Tokens(BaseModel):
    access_token: str
    token_type: str = "Bearer"
    expires_in: int = ACCESS_SECONDS
    refresh_token: str


def place(token: str) -> str:
    return "refresh:" + hashlib.sha256(token.encode()).hexdigest()


def tokens(session: dict, refresh_token: str) -> Tokens:
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": session["sub"],
        "sid": session["sid"],
        "roles": session["roles"],
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + ACCESS_SECONDS,
    }
    headers = {"typ": "at+jwt", "kid": KID}
    access_token = jwt.encode(claims, KEY, algorithm="EdDSA", headers=headers)
    return Tokens(access_token=access_token, refresh_token=refresh_token)


@app.post("/login")
async def login(login: Login) -> Tokens:
    """Opens a session without a password: hashing is measured elsewhere."""
    subject = str(uuid.uuid5(uuid.NAMESPACE_URL, "mailto:" + login.email))
    session = {"sub": subject, "sid": str(uuid.uuid4()), "roles": ["user"]}
    token = secrets.token_urlsafe(32)
    await redis.set(place(token), json.dumps(session), ex=REFRESH_SECONDS)
    return tokens(session, token)


@app.post("/refresh")
async def refresh(refresh: Refresh) -> Tokens:
    token = secrets.token_urlsafe(32)
    keys = [place(refresh.refresh_token), place(token)]
    session = await rotate(keys=keys, args=[REFRESH_SECONDS])
    if session is None:
        raise HTTPException(status_code=401)
    return tokens(json.loads(session), token)
