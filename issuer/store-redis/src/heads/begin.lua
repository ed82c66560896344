-- Keeps the first head of a session.
-- KEYS: the head. ARGV: now; how long to keep it, in seconds.
redis.call('HSET', KEYS[1], 'generation', '0', 'advanced_at', ARGV[1], 'created_at', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
