-- Whose a message is: it goes unsent with the account. None for what goes to an address that has no
-- account, or is to be sent all the same.
ALTER TABLE outbox ADD COLUMN account_id UUID REFERENCES accounts (id) ON DELETE CASCADE;

CREATE INDEX outbox_by_account ON outbox (account_id);
