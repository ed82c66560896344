-- One row for a session and its family of refresh tokens. `generation` is the head; the tokens
-- themselves are derived from this row and a MAC key, and stand nowhere. A refresh writes this row
-- and no index: none holds what a refresh changes, and the pages have room for the row's next
-- version beside it (heap-only tuples).
CREATE TABLE sessions (
    family BYTEA PRIMARY KEY CHECK (octet_length(family) = 16),
    id UUID NOT NULL UNIQUE,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    generation BIGINT NOT NULL CHECK (generation BETWEEN 0 AND 4294967295),
    created_at BIGINT NOT NULL,
    advanced_at BIGINT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    ended_at BIGINT,
    audience TEXT NOT NULL,
    client TEXT NOT NULL,
    user_agent TEXT,
    ip TEXT
) WITH (fillfactor = 70);

CREATE INDEX sessions_by_account ON sessions (account_id, ended_at);
