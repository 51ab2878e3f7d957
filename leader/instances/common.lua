-- What both scripts begin with: it stands before each of them when it is loaded.

-- Lua's numbers are doubles: never print one as a float.
local function text(number)
  return string.format('%.0f', number)
end

local function fail(reason, key)
  error('LEADERKEY ' .. reason .. ' ' .. key, 0)
end

-- Every command goes this way: so an error says which one it was, also on servers whose ACL errors do not.
local function run(command, ...)
  local reply = redis.pcall(command, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then fail('wrongtype', (...)) end
  error('LEADERCOMMAND ' .. command .. ' ' .. reply.err, 0)
end

-- Found as plain text: as a pattern, the search would take most of a call's time.
local function field(info, name)
  local _, before = string.find(info, '\n' .. name .. ':', 1, true)
  return before and string.match(info, '^[^\r\n]*', before + 1)
end

local function process_of(server, replication)
  return (field(server, 'run_id') or '') .. ':' .. (field(replication, 'master_replid') or '')
end

local function wall_clock_ms()
  local time = run('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

