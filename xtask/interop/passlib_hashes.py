"""Says what passlib makes of passwords in every scheme that Signet imports: a file that
`signet users import` reads, one JSON object on each line.

usage: python passlib_hashes.py PASSWORD

The accounts are called after their scheme, at example.com.
"""

import json
import sys
import unicodedata
import warnings

warnings.simplefilter("ignore")  # argon2-cffi tells passlib its version with a sigh

from passlib.hash import argon2, bcrypt, pbkdf2_sha256  # noqa: E402

password = sys.argv[1]


def account(name, password_hash):
    print(
        json.dumps(
            {
                "email": f"{name}@example.com",
                "email_verified": True,
                "password_hash": password_hash,
            }
        )
    )


for kind in ("ID", "I", "D"):
    light = argon2.using(type=kind, memory_cost=1024, rounds=2, parallelism=2)
    account(f"argon2{kind.lower()}", light.hash(password))
account("argon2", argon2.hash(password))  # with what passlib does by default
for ident in ("2a", "2b", "2y"):
    account(f"bcrypt-{ident}", bcrypt.using(ident=ident, rounds=6).hash(password))
account("bcrypt", bcrypt.hash(password))
account("pbkdf2-sha256", pbkdf2_sha256.hash(password))
# Not in NFC, as passlib doesn't normalise either.
account("decomposed", pbkdf2_sha256.hash(unicodedata.normalize("NFD", f"é {password}")))
