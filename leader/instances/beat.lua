-- One beat of one agent at one instance: all its calls, in one atomic script and one round trip.
-- This is all that ever touches a record. Its twin in Python, for the simulation, is the model
-- instance of the tests; the rules are those of leader/protocol.
--
-- Runs on Redis 6.2 and later and on Valkey: so no shebang, no functions, no CONFIG, ROLE or ACL.
-- No key has a TTL, and no decision reads the server's clock; TIME is for the registry and terms.
-- The registry is written here and read without a script (registry.py): Lua takes several times as long.
--
-- KEYS  [1]  leader:<cluster>:configuration        hash: generation, fingerprint, previous, lease_ms, node
--       [2]  leader:<cluster>:nodes                hash: node -> "<wall_ms>:<stamp>", no stamp: it has left
--       [3]  leader:<cluster>:about                hash: node -> its registration
--       [4+] leader:<cluster>:election:<name>      one record each, a hash of the FIELDS below
-- ARGV  [1]  format   [2] channel for notices, leader:<cluster>:<db>
--       [3] generation  [4] fingerprint  [5] previous  [6] lease_ms   the caller's configuration
--       [7]  node     [8] its registration: "" leaves it, "-" removes it   [9] a stamp: other text, other stamp
--       then eight for each call:
--       kind         observe | take | renew | resume | release
--       index        of the record's key in KEYS
--       nonce        never used for another call
--       known_term   the highest term that the caller knows
--       expected     take: the version, "sequence:nonce"
--       holder       all but observe: "node:incarnation:term"
--       lease_ms     take, renew, resume
--       extra        take: those of "released", "sitting", "updates", with commas; resume: the new incarnation;
--                    release: the successor or ""
--
-- Returns {format, eligibility, process, wall_ms, configuration or {}, answers}, all strings:
--       eligibility  "ok", else "replica", "cluster", "sentinel", "mode:<other>" or "evicts:<policy>":
--                    then nothing was read or written, and there are no answers
--       process      run_id:master_replid
--       answers      {{verdict, the FIELDS in order}, ...}, one for each call, as the record then stands
--       and, only if a notice could not be published, a seventh: the error that PUBLISH gave.
-- Errors: "LEADERKEY wrongtype|unreadable|newer <key>", before any record was written;
--       "LEADERCOMMAND <command> <Redis' own error>", before any record was written unless it is about HSET.

local FIELDS = {'format', 'process', 'sequence', 'nonce', 'state', 'term', 'holder', 'lease_ms', 'successor'}
local CONFIGURATION = {'generation', 'fingerprint', 'previous', 'lease_ms', 'node'}
local STATES = {fresh = true, held = true, released = true}
local FORMAT, CHANNEL, NODE = ARGV[1], ARGV[2], ARGV[7]
local FIRST_CALL, CALL_LENGTH = 10, 8

local published_error = nil

local function is_integer(value)
  return value and string.match(value, '^%d+$') ~= nil
end

local function eligibility(server, replication, memory)
  -- Valkey says server_mode, Redis redis_mode.
  local mode = field(server, 'redis_mode') or field(server, 'server_mode') or 'unknown'
  if mode == 'cluster' or mode == 'sentinel' then return mode end
  if mode ~= 'standalone' then return 'mode:' .. mode end
  if field(replication, 'role') ~= 'master' then return 'replica' end
  local policy = field(memory, 'maxmemory_policy') or ''
  local limit = tonumber(field(memory, 'maxmemory') or '0')
  if limit > 0 and string.find(policy, '^allkeys%-') then return 'evicts:' .. policy end
  return 'ok'
end

-- The configuration of the last leader that renewed here (rule R10).
local mine = {ARGV[3], ARGV[4], ARGV[5], ARGV[6], NODE}

local function load_configuration()
  local stored = run('HMGET', KEYS[1], unpack(CONFIGURATION))
  if not stored[1] then return nil end
  for i = 1, #CONFIGURATION do stored[i] = stored[i] or '' end
  if not (is_integer(stored[1]) and is_integer(stored[4])) then fail('unreadable', KEYS[1]) end
  return stored
end

local configuration = nil

local function is_mine()
  for i = 1, 4 do
    if configuration[i] ~= mine[i] then return false end
  end
  return true
end

-- Whether one configuration is the step after the other: it begins a change of it, or ends the one it began.
local function follows(later, earlier)
  if tonumber(later[1]) ~= tonumber(earlier[1]) + 1 or (later[3] == '') == (earlier[3] == '') then return false end
  if later[3] ~= '' then return later[3] == earlier[2] .. ':' .. earlier[4] end
  return later[2] == earlier[2] and later[4] == earlier[4]
end

local function configuration_differs()
  if not configuration or is_mine() then return false end
  return not (follows(mine, configuration) or follows(configuration, mine))
end

-- A sitting leader overwrites another configuration where the record is fresh; anyone updates an older one.
local function may_overwrite(call, record)
  if string.find(call.extra, 'updates', 1, true) and tonumber(configuration[1]) < tonumber(mine[1]) then return true end
  return string.find(call.extra, 'sitting', 1, true) and record.state == 'fresh'
end

local function keep_configuration()
  if configuration and is_mine() then return end
  local fields = {}
  for i, name in ipairs(CONFIGURATION) do
    fields[#fields + 1] = name
    fields[#fields + 1] = mine[i]
  end
  run('HSET', KEYS[1], unpack(fields))
  configuration = mine
end

local function register(wall_ms)
  local registration, stamp = ARGV[8], ARGV[9]
  if registration == '' then return end
  run('HSET', KEYS[2], NODE, text(wall_ms) .. ':' .. stamp)
  if registration == '-' then
    run('HDEL', KEYS[3], NODE)
  else
    run('HSET', KEYS[3], NODE, registration)
  end
end

local function check(record, key)
  if not is_integer(record.format) then fail('unreadable', key) end
  if tonumber(record.format) > tonumber(FORMAT) then fail('newer', key) end
  for _, name in ipairs({'sequence', 'term', 'lease_ms'}) do
    if not is_integer(record[name]) then fail('unreadable', key) end
  end
  if not (record.process and record.nonce and STATES[record.state]) then fail('unreadable', key) end
end

local function load_record(key)
  local values, record, any = run('HMGET', key, unpack(FIELDS)), {}, false
  for i, name in ipairs(FIELDS) do
    record[name] = values[i] or nil
    any = any or values[i]
  end
  if not any then return nil end
  check(record, key)
  record.holder = record.holder or ''
  record.successor = record.successor or ''
  return record
end

local function values_of(record)
  local values = {}
  for i, name in ipairs(FIELDS) do values[i] = record[name] end
  return values
end

local function store(key, record)
  local fields = {}
  for _, name in ipairs(FIELDS) do
    fields[#fields + 1] = name
    fields[#fields + 1] = record[name]
  end
  run('HSET', key, unpack(fields))
end

-- Whoever may not publish may still vote: a lost notice only costs time.
local function publish(key, record)
  local notice = values_of(record)
  table.insert(notice, 1, string.match(key, ':election:(.*)$'))
  local reply = redis.pcall('PUBLISH', CHANNEL, cjson.encode(notice))
  if type(reply) == 'table' and reply.err then published_error = reply.err end
end

-- Missing, or of another process: the instance may have forgotten something (rule R1).
local function freshen(record, process, nonce)
  return {
    format = FORMAT, process = process, nonce = nonce, state = 'fresh',
    sequence = text((record and tonumber(record.sequence) or 0) + 1),
    term = record and record.term or '0',
    holder = '', lease_ms = '0', successor = '',
  }
end

local function term_of(holder)
  return string.match(holder, ':(%d+)$')
end

local function refusal(call, record)
  local kind = call.kind
  local sitting = string.find(call.extra, 'sitting', 1, true)
  if kind == 'take' then
    if configuration_differs() and not may_overwrite(call, record) then return 'other-configuration' end
    if record.sequence .. ':' .. record.nonce ~= call.expected then return 'changed' end
    if string.find(call.extra, 'released', 1, true) and record.state ~= 'released' then return 'not-released' end
    if not sitting and tonumber(term_of(call.holder)) <= tonumber(record.term) then return 'term-too-low' end
    return nil
  end
  if kind ~= 'release' and configuration_differs() then return 'other-configuration' end
  if record.state ~= 'held' or record.holder ~= call.holder then return 'not-holder' end
  return nil
end

local function change(call, record)
  if call.kind == 'take' then
    record.state, record.holder, record.successor = 'held', call.holder, ''
    if tonumber(term_of(call.holder)) > tonumber(record.term) then record.term = term_of(call.holder) end
  elseif call.kind == 'resume' then
    record.holder = string.match(call.holder, '^[^:]*') .. ':' .. call.extra .. ':' .. term_of(call.holder)
  elseif call.kind == 'release' then
    record.state, record.successor = 'released', call.extra
  end
  if call.kind ~= 'release' then record.lease_ms = call.lease_ms end
  record.format = FORMAT
  record.sequence, record.nonce = text(tonumber(record.sequence) + 1), call.nonce
end

local function carry_out(call, records, process)
  local record, written = records[call.key], false
  if not record or record.process ~= process then
    record, written = freshen(record, process, call.nonce), true
    records[call.key] = record
  end
  local verdict = call.kind == 'observe' and 'observed' or refusal(call, record) or 'granted'
  if verdict == 'granted' then
    change(call, record)
    if call.kind ~= 'release' then keep_configuration() end
    written = true
  end
  if tonumber(call.known_term) > tonumber(record.term) then
    record.term, written = call.known_term, true
  end
  if written then store(call.key, record) end
  if verdict == 'granted' then publish(call.key, record) end
  local answer = values_of(record)
  table.insert(answer, 1, verdict)
  return answer
end

local function call_at(position)
  return {
    kind = ARGV[position], key = KEYS[tonumber(ARGV[position + 1])], nonce = ARGV[position + 2],
    known_term = ARGV[position + 3], expected = ARGV[position + 4], holder = ARGV[position + 5],
    lease_ms = ARGV[position + 6], extra = ARGV[position + 7],
  }
end

-- The beat: every record is read and checked before anything is written.
local server, replication = run('INFO', 'server'), run('INFO', 'replication')
local process = process_of(server, replication)
local wall_ms = wall_clock_ms()
local eligible = eligibility(server, replication, run('INFO', 'memory'))
if eligible ~= 'ok' then return {FORMAT, eligible, process, text(wall_ms), {}, {}} end

configuration = load_configuration()
local records = {}
for i = 4, #KEYS do records[KEYS[i]] = load_record(KEYS[i]) end
register(wall_ms)
local answers = {}
for position = FIRST_CALL, #ARGV, CALL_LENGTH do
  answers[#answers + 1] = carry_out(call_at(position), records, process)
end

local reply = {FORMAT, eligible, process, text(wall_ms), configuration or {}, answers}
if published_error then reply[7] = published_error end
return reply
