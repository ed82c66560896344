-- One row that tells this life of the store from any other, and what version its roles have.
CREATE TABLE meta (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    incarnation BLOB CHECK (length(incarnation) = 16),
    roles_version INTEGER NOT NULL
) STRICT;

INSERT INTO meta (id, incarnation, roles_version) VALUES (1, NULL, 1);

CREATE TABLE accounts (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    email_canonical TEXT NOT NULL UNIQUE,
    email_original TEXT NOT NULL,
    email_verified INTEGER NOT NULL CHECK (email_verified IN (0, 1)),
    name TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
    version INTEGER NOT NULL,
    device_epoch INTEGER NOT NULL,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_login_at INTEGER
) STRICT;

CREATE INDEX accounts_by_creation ON accounts (created_at, id);

CREATE TABLE registrations (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
    email_canonical TEXT NOT NULL,
    email_original TEXT NOT NULL,
    name TEXT,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX registrations_by_email ON registrations (email_canonical, created_at);
CREATE INDEX registrations_by_expiry ON registrations (expires_at);

-- A token belongs to a registration, to an account, or (setup) to nobody. A used token is gone.
CREATE TABLE mailed_tokens (
    hash BLOB PRIMARY KEY NOT NULL CHECK (length(hash) = 32),
    purpose TEXT NOT NULL,
    registration_id BLOB REFERENCES registrations (id) ON DELETE CASCADE,
    account_id BLOB REFERENCES accounts (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL,
    CHECK (registration_id IS NULL OR account_id IS NULL)
) STRICT;

CREATE INDEX mailed_tokens_by_registration ON mailed_tokens (registration_id);
CREATE INDEX mailed_tokens_by_account ON mailed_tokens (account_id, purpose);
CREATE INDEX mailed_tokens_by_expiry ON mailed_tokens (expires_at);

-- Failed guesses at passwords, under a keyed hash of whose they are.
CREATE TABLE guesses (
    key BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 32),
    count INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) STRICT;

CREATE INDEX guesses_by_age ON guesses (last_at);
