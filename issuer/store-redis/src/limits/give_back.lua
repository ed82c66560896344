-- Gives a unit back, as signet_core::limit::given_back says. Keys and arguments are those of take.lua.
-- Answers how long until the budget is full again.
local interval, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = tonumber(redis.call('GET', KEYS[1]))
if not full_at then
  return 0
end
full_at = math.min(full_at, now + capacity) - interval
local ahead = math.max(full_at - now, 0)
local milliseconds = math.ceil(ahead / 1000) + 1000
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', string.format('%.0f', milliseconds))
return ahead
