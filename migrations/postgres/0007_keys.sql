-- Keys, sealed under the master key that each row names.
CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    public BYTEA NOT NULL CHECK (octet_length(public) = 32),
    sealed BYTEA NOT NULL,
    master_key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('next', 'active', 'retired')),
    created_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX signing_keys_active ON signing_keys (state) WHERE state = 'active';

CREATE TABLE mac_keys (
    id BIGINT PRIMARY KEY,
    sealed BYTEA NOT NULL,
    master_key TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
