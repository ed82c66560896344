-- signet_core::session::family::judge of a session that hasn't ended, and the advance that it says.
-- A test holds the one against the other.
-- KEYS: the head. ARGV: the presented generation, or nothing for whichever is the head; whether the
-- account is active; now; the grace, the idle and the absolute limit, and how long a head is kept
-- after them, all in seconds.
local kept = redis.call('HMGET', KEYS[1], 'generation', 'advanced_at', 'created_at')
local generation, advanced_at, created_at =
    tonumber(kept[1] or ''), tonumber(kept[2] or ''), tonumber(kept[3] or '')
if not (generation and advanced_at and created_at) then
    return false
end
local presented = tonumber(ARGV[1]) or generation
local now, grace, idle, absolute =
    tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local is_head = presented == generation
local within_grace = presented + 1 == generation and now <= advanced_at + grace
local verdict
if presented > generation then
    verdict = 'from_future'
elseif not (is_head or within_grace) then
    verdict = 'replay'
elseif ARGV[2] ~= 'active' then
    verdict = 'dead'
elseif now >= math.min(advanced_at + idle, created_at + absolute) or presented == 4294967295 then
    verdict = 'over'
else
    verdict = is_head and 'advance' or 'repeat'
end

if verdict == 'advance' then
    generation, advanced_at = generation + 1, now
    local lives = math.min(idle, created_at + absolute - now) + tonumber(ARGV[7])
    redis.call('HSET', KEYS[1],
        'generation', string.format('%.0f', generation), 'advanced_at', ARGV[3])
    redis.call('EXPIRE', KEYS[1], string.format('%.0f', lives))
end
return { verdict, generation, advanced_at, created_at }
