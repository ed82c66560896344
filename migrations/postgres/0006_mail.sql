-- Messages that wait to be sent, sealed under the master key. A sent message is gone; one that
-- can't be sent stays as a dead letter for a while.
CREATE TABLE outbox (
    id UUID PRIMARY KEY,
    kind TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    master_key TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    expires_at BIGINT,
    attempts BIGINT NOT NULL CHECK (attempts >= 0),
    abandoned_at BIGINT,
    last_error TEXT
);

CREATE INDEX outbox_due ON outbox (due_at) WHERE abandoned_at IS NULL;
