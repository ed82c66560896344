-- When keys changed places. A key that was there before is counted from this day, so that none is
-- replaced while a release that doesn't know of it still runs.
ALTER TABLE meta ADD COLUMN keys_version INTEGER NOT NULL DEFAULT 1 CHECK (keys_version > 0);

ALTER TABLE signing_keys ADD COLUMN activated_at INTEGER;
ALTER TABLE signing_keys ADD COLUMN retired_at INTEGER;

UPDATE signing_keys SET activated_at = unixepoch()
WHERE state = 'active';

CREATE UNIQUE INDEX signing_keys_next ON signing_keys (state) WHERE state = 'next';

-- From when on a key makes refresh tokens; as soon as it was made, where this is empty.
ALTER TABLE mac_keys ADD COLUMN signs_from INTEGER;

UPDATE mac_keys SET signs_from = unixepoch();

-- Signing keys that were here. Their seeds are gone.
CREATE TABLE removed_keys (
    kid TEXT PRIMARY KEY NOT NULL,
    public BLOB NOT NULL CHECK (length(public) = 32),
    created_at INTEGER NOT NULL,
    activated_at INTEGER,
    retired_at INTEGER,
    removed_at INTEGER NOT NULL
) STRICT;

-- Signing keys whose tokens nobody may take any more.
CREATE TABLE refused_kids (
    kid TEXT PRIMARY KEY NOT NULL,
    refused_at INTEGER NOT NULL,
    refused_until INTEGER NOT NULL
) STRICT;

-- Secrets with which values are derived that have to outlive a master key, sealed under it.
CREATE TABLE secrets (
    name TEXT PRIMARY KEY NOT NULL,
    sealed BLOB NOT NULL,
    master_key TEXT NOT NULL
) STRICT;
