-- `name_folded` is the name in lower case, as no two databases agree on what that is; lists are
-- searched by it.
CREATE TABLE accounts (
    id UUID PRIMARY KEY,
    email_canonical TEXT NOT NULL UNIQUE,
    email_original TEXT NOT NULL,
    email_verified BOOLEAN NOT NULL,
    name TEXT,
    name_folded TEXT CHECK ((name_folded IS NULL) = (name IS NULL)),
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
    version BIGINT NOT NULL CHECK (version >= 0),
    device_epoch BIGINT NOT NULL CHECK (device_epoch >= 0),
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_login_at BIGINT
);

CREATE INDEX accounts_by_creation ON accounts (created_at, id);

-- `number` counts up: the newest registration of an address has the highest, within a second too.
CREATE TABLE registrations (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id UUID NOT NULL UNIQUE,
    secret_hash BYTEA NOT NULL CHECK (octet_length(secret_hash) = 32),
    email_canonical TEXT NOT NULL,
    email_original TEXT NOT NULL,
    name TEXT,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX registrations_by_email ON registrations (email_canonical, number);
CREATE INDEX registrations_by_expiry ON registrations (expires_at);

-- A token belongs to a registration, to an account, or (setup) to nobody. A used token is gone.
CREATE TABLE mailed_tokens (
    hash BYTEA PRIMARY KEY CHECK (octet_length(hash) = 32),
    purpose TEXT NOT NULL,
    registration_id UUID REFERENCES registrations (id) ON DELETE CASCADE,
    account_id UUID REFERENCES accounts (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    CHECK (registration_id IS NULL OR account_id IS NULL)
);

CREATE INDEX mailed_tokens_by_registration ON mailed_tokens (registration_id);
CREATE INDEX mailed_tokens_by_account ON mailed_tokens (account_id, purpose);
CREATE INDEX mailed_tokens_by_expiry ON mailed_tokens (expires_at);
