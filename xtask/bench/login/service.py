"""A login as it is usually written with FastAPI and passlib: the peer of `cargo xtask bench login`.

It does less than Signet: users are in memory, there is no limit, no session and no signature. A plain
`def` runs in FastAPI's pool of threads, where bcrypt lets go of the interpreter's lock.
"""

import os
import secrets

from fastapi import FastAPI, HTTPException
from passlib.context import CryptContext
from pydantic import BaseModel

CONTEXT = CryptContext(schemes=["bcrypt"], bcrypt__rounds=int(os.environ["BCRYPT_COST"]))
HASH = CONTEXT.hash(os.environ["PASSWORD"])
USERS = {f"user{number}@example.com": HASH for number in range(int(os.environ["USERS"]))}

app = FastAPI()


class Login(BaseModel):
    email: str
    password: str


@app.get("/keys")
async def keys() -> dict[str, list[str]]:
    return {"keys": []}


@app.post("/login")
def login(login: Login) -> dict[str, str]:
    stored = USERS.get(login.email)
    if stored is None or not CONTEXT.verify(login.password, stored):
        raise HTTPException(status_code=401)
    return {"access_token": secrets.token_urlsafe(32)}
