-- The epoch of the revocation feed, which rises when the store goes back in time.
ALTER TABLE meta ADD COLUMN feed_epoch BIGINT NOT NULL DEFAULT 1 CHECK (feed_epoch > 0);
