-- The step of redis.sh: writes a hash, unless a later term has written it.
-- Run: by redis.sh, in the server.
--
-- KEYS[1]: a hash of token and value. ARGV: our term, the new value.
-- The answer is OK, or the higher term that has written it. Nothing else runs in the server meanwhile.
local seen = tonumber(redis.call('HGET', KEYS[1], 'token') or 0)
if seen > tonumber(ARGV[1]) then
    return string.format('%.0f', seen)
end
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'value', ARGV[2])
return 'OK'
