-- When keys changed places. A key that was there before is counted from this day, so that none is
-- replaced while a release that doesn't know of it still runs.
ALTER TABLE meta ADD COLUMN keys_version BIGINT NOT NULL DEFAULT 1 CHECK (keys_version > 0);

ALTER TABLE signing_keys ADD COLUMN activated_at BIGINT;
ALTER TABLE signing_keys ADD COLUMN retired_at BIGINT;

UPDATE signing_keys SET activated_at = floor(extract(epoch FROM now()))::BIGINT
WHERE state = 'active';

CREATE UNIQUE INDEX signing_keys_next ON signing_keys (state) WHERE state = 'next';

-- From when on a key makes refresh tokens; as soon as it was made, where this is empty.
ALTER TABLE mac_keys ADD COLUMN signs_from BIGINT;

UPDATE mac_keys SET signs_from = floor(extract(epoch FROM now()))::BIGINT;

-- Signing keys that were here. Their seeds are gone.
CREATE TABLE removed_keys (
    kid TEXT PRIMARY KEY,
    public BYTEA NOT NULL CHECK (octet_length(public) = 32),
    created_at BIGINT NOT NULL,
    activated_at BIGINT,
    retired_at BIGINT,
    removed_at BIGINT NOT NULL
);

-- Signing keys whose tokens nobody may take any more.
CREATE TABLE refused_kids (
    kid TEXT PRIMARY KEY,
    refused_at BIGINT NOT NULL,
    refused_until BIGINT NOT NULL
);

-- Secrets with which values are derived that have to outlive a master key, sealed under it.
CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    sealed BYTEA NOT NULL,
    master_key TEXT NOT NULL
);
