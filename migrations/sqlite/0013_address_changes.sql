-- Tokens of a change of address lead to an address: that of a change to the new one, that of an undo
-- back to the old one. `place` puts the undos of an account in order, from 1: whoever uses one undoes
-- what came after it. An address with a live undo is nobody else's until the undo has expired.
ALTER TABLE mailed_tokens ADD COLUMN leads_to TEXT;
ALTER TABLE mailed_tokens ADD COLUMN leads_to_original TEXT
    CHECK ((leads_to_original IS NULL) = (leads_to IS NULL));
ALTER TABLE mailed_tokens ADD COLUMN place INTEGER CHECK (place > 0);

CREATE INDEX mailed_tokens_by_where_they_lead ON mailed_tokens (leads_to)
    WHERE leads_to IS NOT NULL;
