-- Drops a head. KEYS: the head.
return redis.call('DEL', KEYS[1])
