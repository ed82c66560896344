-- When an account was last invited; NULL for any other. It is `suspended` beside that, so that what
-- knows nothing of invites lets nobody in.
ALTER TABLE accounts ADD COLUMN invited_at BIGINT;
-- SHA-256 of the secret that the registration's answer carried, where the account is there before
-- its mailbox is proven.
ALTER TABLE accounts ADD COLUMN registration_hash BYTEA
    CHECK (registration_hash IS NULL OR octet_length(registration_hash) = 32);

-- What goes when nobody accepts or uses it: few rows, and none of those that people log in to.
CREATE INDEX accounts_by_invite ON accounts (invited_at) WHERE invited_at IS NOT NULL;
CREATE INDEX accounts_never_used ON accounts (created_at)
    WHERE registration_hash IS NOT NULL AND last_login_at IS NULL;
