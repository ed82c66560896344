-- Keys, sealed under the master key that each row names.
CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY NOT NULL,
    public BLOB NOT NULL CHECK (length(public) = 32),
    sealed BLOB NOT NULL,
    master_key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('next', 'active', 'retired')),
    created_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX signing_keys_active ON signing_keys (state) WHERE state = 'active';

CREATE TABLE mac_keys (
    id INTEGER PRIMARY KEY NOT NULL,
    sealed BLOB NOT NULL,
    master_key TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
