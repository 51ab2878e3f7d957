-- The runs of jobs at one instance: claims of ticks, reports of their ends, and looks, in one atomic script.
-- Its twin in Python, for the simulation, is the model instance of the tests; the rules are those of
-- leader/protocol, under once-only ticks.
--
-- Runs on Redis 6.2 and later and on Valkey. Ages are read off the server's clock, as a key's TTL would be: they
-- guard against a second start after a change of leader, never against two leaders.
--
-- KEYS  [1]  leader:<cluster>:jobs              hash: job -> JSON, a list of the RUN fields below, newest first
--       [2+] leader:<cluster>:election:<name>   the records of the elections that claims name
-- ARGV  [1]  format  [2] channel for notices, leader:<cluster>:<db>:jobs
--       [3]  how many runs of a job, and [4] how many jobs are kept
--       [5]  what this server's clock showed, in milliseconds, when the call was sent, as far as the sender knows;
--            0 if it does not: a call that waits in a hung server is of the moment at which it was sent
--       then fifteen for each call:
--       kind         look | claim | report
--       job          "": of all jobs, to look at
--       nonce, state, node, election, term, tick_ms, age_ms, duration_ms, code   of the run
--       gap_ms       claim: no start may be younger; report of a missed tick: no start may be nearer
--       index, holder   claim: of the record's key in KEYS, and whom it must name
--       instead_of   claim: the nonce of a run that does not stand in the way
--
-- Returns {format, process, answers}, all strings: an answer is {verdict, run, ...} with the runs as they then
--       stand, each {job, the RUN fields}, where age_ms takes the place of at_ms. So is what is published.
-- Errors: "LEADERKEY wrongtype|unreadable <key>" before anything was written, "LEADERCOMMAND <command> <error>".

local RUN = {'nonce', 'state', 'node', 'election', 'term', 'tick_ms', 'at_ms', 'duration_ms', 'code'}
local NONCE, STATE, AT, DURATION, CODE = 1, 2, 7, 8, 9
local FORMAT, CHANNEL = ARGV[1], ARGV[2]
local LONGEST, MOST_JOBS = tonumber(ARGV[3]), tonumber(ARGV[4])
local FIRST_CALL, CALL_LENGTH = 6, 15
local RANKS = {missed = 0, running = 1, interrupted = 2}

local process, now_ms = process_of(run('INFO', 'server'), run('INFO', 'replication')), wall_clock_ms()
local sent_ms = tonumber(ARGV[5]) > 0 and tonumber(ARGV[5]) or now_ms

local function is_run(value)
  if type(value) ~= 'table' or #value ~= #RUN then return false end
  for i = 1, #RUN do
    if type(value[i]) ~= 'string' then return false end
  end
  return tonumber(value[AT]) ~= nil
end

local function decode(stored)
  local ok, runs = pcall(cjson.decode, stored)
  if not ok or type(runs) ~= 'table' then fail('unreadable', KEYS[1]) end
  for _, value in ipairs(runs) do
    if not is_run(value) then fail('unreadable', KEYS[1]) end
  end
  return runs
end

local function load_runs(job)
  local stored = run('HGET', KEYS[1], job)
  return stored and decode(stored) or {}
end

local function shown(job, value)
  local fields = {job, unpack(value)}
  fields[AT + 1] = text(now_ms - tonumber(value[AT]))
  return fields
end

-- A job that was not started for the longest time makes room for a new one.
local function make_room(job)
  if run('HLEN', KEYS[1]) < MOST_JOBS or run('HEXISTS', KEYS[1], job) == 1 then return end
  local oldest, found = nil, run('HGETALL', KEYS[1])
  for i = 1, #found, 2 do
    local at = tonumber(decode(found[i + 1])[1][AT])
    if not oldest or at < oldest.at then oldest = {job = found[i], at = at} end
  end
  run('HDEL', KEYS[1], oldest.job)
end

-- From now, in either direction: what a clock that was set back left in the future must not push out what is new.
local function distance(value)
  return math.abs(now_ms - tonumber(value[AT]))
end

local function store(job, runs)
  if #runs == 0 then
    run('HDEL', KEYS[1], job)
    return
  end
  table.sort(runs, function(a, b) return distance(a) < distance(b) end)
  while #runs > LONGEST do table.remove(runs) end
  make_room(job)
  run('HSET', KEYS[1], job, cjson.encode(runs))
end

-- Whoever may not publish may still vote: a lost notice only costs time.
local function publish(job, value)
  redis.pcall('PUBLISH', CHANNEL, cjson.encode(shown(job, value)))
end

local function position_of(runs, nonce)
  for i, value in ipairs(runs) do
    if value[NONCE] == nonce then return i end
  end
  return nil
end

-- In either direction: the clock may have been set meanwhile.
local function is_near(value, at_ms, gap_ms)
  return math.abs(at_ms - tonumber(value[AT])) < gap_ms
end

local function is_holder(call)
  local found = run('HMGET', KEYS[tonumber(call.index)], 'process', 'state', 'holder')
  return found[1] == process and found[2] == 'held' and found[3] == call.holder
end

local function claim(call, runs)
  local nonce = call.run[NONCE]
  local position = position_of(runs, nonce)
  if position and runs[position][STATE] ~= 'missed' then return 'yours' end
  if not is_holder(call) then return 'not-holder' end
  local at_ms = tonumber(call.run[AT])
  for _, value in ipairs(runs) do
    if value[STATE] ~= 'missed' and value[NONCE] ~= call.instead_of and is_near(value, at_ms, call.gap_ms) then
      return 'started'
    end
  end
  for i = #runs, 1, -1 do
    local is_same = runs[i][NONCE] == nonce or is_near(runs[i], at_ms, call.gap_ms)
    if runs[i][STATE] == 'missed' and is_same then table.remove(runs, i) end
  end
  runs[#runs + 1] = call.run
  store(call.job, runs)
  publish(call.job, call.run)
  return 'granted'
end

local function rank(state)
  return RANKS[state] or 3
end

local function report(call, runs)
  local new, position = call.run, position_of(runs, call.run[NONCE])
  if position then
    local old = runs[position]
    if rank(new[STATE]) < rank(old[STATE]) then return end
    old[STATE], old[DURATION], old[CODE] = new[STATE], new[DURATION], new[CODE]
    new = old
  else
    for _, value in ipairs(runs) do
      if new[STATE] == 'missed' and is_near(value, tonumber(new[AT]), call.gap_ms) then return end
    end
    runs[#runs + 1] = new
  end
  store(call.job, runs)
  publish(call.job, new)
end

local function look_at_all()
  local answer, found = {'seen'}, run('HGETALL', KEYS[1])
  for i = 1, #found, 2 do
    for _, value in ipairs(decode(found[i + 1])) do answer[#answer + 1] = shown(found[i], value) end
  end
  return answer
end

local function carry_out(call)
  if call.job == '' then return look_at_all() end
  local runs, verdict = load_runs(call.job), 'seen'
  if call.kind == 'claim' then
    verdict = claim(call, runs)
  elseif call.kind == 'report' then
    report(call, runs)
  end
  local answer = {verdict}
  for _, value in ipairs(runs) do answer[#answer + 1] = shown(call.job, value) end
  return answer
end

local function call_at(position)
  local values = {}
  for i = 1, #RUN do values[i] = ARGV[position + 1 + i] end
  values[AT] = text(sent_ms - tonumber(values[AT]))
  return {
    kind = ARGV[position], job = ARGV[position + 1], run = values, gap_ms = tonumber(ARGV[position + 11]),
    index = ARGV[position + 12], holder = ARGV[position + 13], instead_of = ARGV[position + 14],
  }
end

local answers = {}
for position = FIRST_CALL, #ARGV, CALL_LENGTH do
  answers[#answers + 1] = carry_out(call_at(position))
end
return {FORMAT, process, answers}
