-- Messages that wait to be sent, sealed under the master key. A sent message is gone; one that
-- can't be sent stays as a dead letter for a while.
CREATE TABLE outbox (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    kind TEXT NOT NULL,
    sealed BLOB NOT NULL,
    master_key TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    expires_at INTEGER,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    abandoned_at INTEGER,
    last_error TEXT
) STRICT;

CREATE INDEX outbox_due ON outbox (due_at) WHERE abandoned_at IS NULL;
