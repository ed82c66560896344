-- `name_folded` is the name in lower case, as no two databases agree on what that is; lists are
-- searched by it.
CREATE TABLE accounts (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    email_canonical TEXT NOT NULL UNIQUE,
    email_original TEXT NOT NULL,
    email_verified INTEGER NOT NULL CHECK (email_verified IN (0, 1)),
    name TEXT,
    name_folded TEXT CHECK ((name_folded IS NULL) = (name IS NULL)),
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
    version INTEGER NOT NULL CHECK (version >= 0),
    device_epoch INTEGER NOT NULL CHECK (device_epoch >= 0),
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_login_at INTEGER
) STRICT;

CREATE INDEX accounts_by_creation ON accounts (created_at, id);

-- `number` counts up: the newest registration of an address has the highest, within a second too.
CREATE TABLE registrations (
    number INTEGER PRIMARY KEY NOT NULL,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
    email_canonical TEXT NOT NULL,
    email_original TEXT NOT NULL,
    name TEXT,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX registrations_by_email ON registrations (email_canonical, number);
CREATE INDEX registrations_by_expiry ON registrations (expires_at);

-- A token belongs to a registration, to an account, or (setup) to nobody. A used token is gone.
CREATE TABLE mailed_tokens (
    hash BLOB PRIMARY KEY NOT NULL CHECK (length(hash) = 32),
    purpose TEXT NOT NULL,
    registration_id BLOB REFERENCES registrations (id) ON DELETE CASCADE,
    account_id BLOB REFERENCES accounts (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL,
    CHECK (registration_id IS NULL OR account_id IS NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX mailed_tokens_by_registration ON mailed_tokens (registration_id);
CREATE INDEX mailed_tokens_by_account ON mailed_tokens (account_id, purpose);
CREATE INDEX mailed_tokens_by_expiry ON mailed_tokens (expires_at);
