-- One row for a session and its family of refresh tokens. `generation` is the head; the tokens
-- themselves are derived from this row and a MAC key, and stand nowhere. A refresh writes this row
-- and no index: none holds what a refresh changes.
CREATE TABLE sessions (
    family BLOB PRIMARY KEY NOT NULL CHECK (length(family) = 16),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL CHECK (generation BETWEEN 0 AND 4294967295),
    created_at INTEGER NOT NULL,
    advanced_at INTEGER NOT NULL,
    authenticated_at INTEGER NOT NULL,
    ended_at INTEGER,
    audience TEXT NOT NULL,
    client TEXT NOT NULL,
    user_agent TEXT,
    ip TEXT
) STRICT;

CREATE INDEX sessions_by_account ON sessions (account_id, ended_at);
