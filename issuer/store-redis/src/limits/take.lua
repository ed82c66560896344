-- Takes a unit, as signet_core::limit::gcra does. All times are in microseconds.
--   KEYS[1]  when the budget is full again
--   ARGV     how long a unit takes to come back, and all of them
-- Answers {1, how long until it is full again}, or {0, how long until a unit is there}.
local interval, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = tonumber(redis.call('GET', KEYS[1])) or 0
full_at = math.min(math.max(full_at, now), now + capacity)
local taken_until = full_at + interval
local wait = taken_until - capacity - now
if wait > 0 then
  return {0, wait}
end
local ahead = taken_until - now
-- A full budget is the same as none.
local milliseconds = math.ceil(ahead / 1000) + 1000
redis.call('SET', KEYS[1], string.format('%.0f', taken_until), 'PX', string.format('%.0f', milliseconds))
return {1, ahead}
