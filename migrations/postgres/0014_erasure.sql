-- A row of the trail no more holds the client's address, which must be able to go, but a commitment
-- to it: format 2. Rows of format 1 are those of the release before, which hold it in `ip`; where
-- that and `request_id` were taken out, `taken_out_by` is the row that vouches for the others.
ALTER TABLE audit ADD COLUMN format BIGINT NOT NULL DEFAULT 1 CHECK (format IN (1, 2));
ALTER TABLE audit ADD COLUMN address BYTEA CHECK (octet_length(address) = 32);
ALTER TABLE audit ADD COLUMN taken_out_by BIGINT;

CREATE INDEX audit_by_actor ON audit (actor, sequence);
CREATE INDEX audit_by_subject ON audit (subject, sequence);
CREATE INDEX audit_by_action ON audit (action, sequence);

-- The clients' addresses of the trail's rows, each with what opens the row's commitment. An address
-- is an account's, and goes when that is erased, or a registration's, and goes with it.
CREATE TABLE audit_addresses (
    sequence BIGINT PRIMARY KEY REFERENCES audit (sequence) ON DELETE CASCADE,
    ip TEXT NOT NULL,
    salt BYTEA NOT NULL CHECK (octet_length(salt) = 16),
    account_id UUID,
    registration_id UUID REFERENCES registrations (id) ON DELETE CASCADE,
    CHECK ((account_id IS NULL) <> (registration_id IS NULL))
);

CREATE INDEX audit_addresses_by_account ON audit_addresses (account_id);
CREATE INDEX audit_addresses_by_registration ON audit_addresses (registration_id);
