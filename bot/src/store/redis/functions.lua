#!lua name=bellhop_v2
-- What Redis runs whole: each function changes the keys of one shard, so all of it is stored or nothing.
--
-- Every key that a function touches comes in as KEYS, so that a cluster refuses the whole call while its hash slot moves, never the
-- second half of it. Values come in as ARGV and are never part of a command's name. No rule lives here: what a conversation
-- may do was decided before. Numbers stay below 2^53 (a seq, a revision, milliseconds), so Lua's doubles hold them exactly.
--
-- A change to this file needs another version, in its first line and in every function's name: two versions of the program
-- may share a server.

-- A whole number as Redis keeps it; tostring would switch to 1e+15.
local function int(number)
  return string.format('%d', number)
end

-- Milliseconds by the server's clock: the only one that all processes share.
local function server_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Gives a call's arguments one after the other.
local function reader(args)
  local at = 0
  return function()
    at = at + 1
    return args[at]
  end
end

-- A partition's head, or nothing where there is no such partition.
local function read_head(key)
  local kept = redis.call('HMGET', key, 'rev', 'seq', 'proc', 'wait', 'closed', 'last')
  if not kept[1] then
    return nil
  end
  return {
    rev = tonumber(kept[1]),
    seq = tonumber(kept[2]),
    proc = tonumber(kept[3]),
    wait = tonumber(kept[4]),
    closed = kept[5],
    last = tonumber(kept[6]),
  }
end

local function write_head(key, head)
  redis.call('HSET', key, 'rev', int(head.rev), 'seq', int(head.seq), 'proc', int(head.proc),
    'wait', int(head.wait), 'closed', head.closed, 'last', int(head.last))
end

-- Puts an entry at the end of the log: the stream's id is our own dense seq.
local function append(log, head, at, kind, cause, body)
  head.seq = head.seq + 1
  head.last = math.max(head.last, tonumber(at))
  redis.call('XADD', log, int(head.seq) .. '-0', 'k', kind, 'c', cause, 't', at, 'b', body)
end

-- Tells whoever listens; what they want to know of it they read.
local function tell(channel, partition, head, processed, outbound)
  local place = int(head.seq) .. ' ' .. processed .. ' ' .. outbound
  redis.call('SPUBLISH', channel, 'c ' .. place .. ' ' .. partition)
end

-- A lane is what one partition sends to one destination: the oldest number that is not settled, the last one given, and how
-- often the oldest was claimed. It is empty where the oldest comes after the last.
local function read_lane(key, destination)
  local kept = redis.call('HGET', key, destination)
  if not kept then
    return { oldest = 1, last = 0, attempts = 0 }
  end
  local oldest, last, attempts = kept:match('^(%d+) (%d+) (%d+)$')
  return { oldest = tonumber(oldest), last = tonumber(last), attempts = tonumber(attempts) }
end

local function write_lane(key, destination, lane)
  local kept = int(lane.oldest) .. ' ' .. int(lane.last) .. ' ' .. int(lane.attempts)
  redis.call('HSET', key, destination, kept)
end

local function is_empty(lane)
  return lane.oldest > lane.last
end

-- Where a lane's entry is in the partition's outbox.
local function entry_field(number, destination)
  return int(number) .. ':' .. destination
end

-- Puts something at the end of a lane; an empty lane is free from `at` on.
local function send(lanes, lane_key, out, member, destination, seq, at, body)
  local lane = read_lane(lane_key, destination)
  if is_empty(lane) then
    lane.attempts = 0
    redis.call('ZADD', lanes, at, member)
  end
  lane.last = lane.last + 1
  redis.call('HSET', out, entry_field(lane.last, destination), seq .. ' ' .. at .. ' ' .. body)
  write_lane(lane_key, destination, lane)
end

-- KEYS head log seen ready aged
-- ARGV partition channel sender hash at body most_waiting
local function accept(keys, args)
  local head_key, log, seen, ready, aged = keys[1], keys[2], keys[3], keys[4], keys[5]
  local partition, channel, sender, hash = args[1], args[2], args[3], args[4]
  local at, body, most_waiting = args[5], args[6], tonumber(args[7])
  local head = read_head(head_key)
  if not head then
    return { 'unknown', 0 }
  end
  local before = redis.call('HGET', seen, sender)
  if before then
    if before:sub(1, #hash) == hash then
      return { 'before', tonumber(before:sub(#hash + 1)) }
    end
    return { 'different', 0 }
  end
  if head.closed == '1' then
    return { 'closed', 0 }
  end
  if head.wait >= most_waiting then
    return { 'full', 0 }
  end
  append(log, head, at, 'input', '0', body)
  head.wait = head.wait + 1
  write_head(head_key, head)
  redis.call('HSET', seen, sender, hash .. int(head.seq))
  redis.call('ZADD', aged, 'NX', at, partition)
  redis.call('ZADD', ready, int(server_ms()), partition)
  tell(channel, partition, head, '0', '0')
  return { 'new', head.seq }
end

-- The head that a commit starts from, or nothing where it was decided on another one. `expected` is empty where the
-- partition must not be there.
local function expected_head(key, expected, at)
  local head = read_head(key)
  if expected == '' then
    if head then
      return nil
    end
    return { rev = 0, seq = 0, proc = 0, wait = 0, closed = '0', last = tonumber(at) }
  end
  if head and int(head.rev) == expected then
    return head
  end
  return nil
end

-- What a commit does to the log.
local function write_log(log, head, at, next_arg)
  for _ = 1, tonumber(next_arg()) do
    redis.call('XDEL', log, next_arg() .. '-0')
  end
  for _ = 1, tonumber(next_arg()) do
    local kind, cause, body = next_arg(), next_arg(), next_arg()
    append(log, head, at, kind, cause, body)
  end
end

-- What a commit does to documents.
local function write_docs(doc, next_arg)
  for _ = 1, tonumber(next_arg()) do
    local name, body = next_arg(), next_arg()
    redis.call('HSET', doc, name, body)
  end
  for _ = 1, tonumber(next_arg()) do
    redis.call('HDEL', doc, next_arg())
  end
end

-- What a commit does to senders' ids; `aged` says since when the partition has any.
local function write_seen(seen, aged, partition, first, at, next_arg)
  for _ = 1, tonumber(next_arg()) do
    local sender, hash, index = next_arg(), next_arg(), tonumber(next_arg())
    redis.call('HSET', seen, sender, hash .. int(first + index))
    redis.call('ZADD', aged, 'NX', at, partition)
  end
end

-- What a commit does to traces, each with its time before it; `aged` says since when the partition has any.
local function write_traces(traces, aged, partition, at, next_arg)
  local most = tonumber(next_arg())
  for _ = 1, tonumber(next_arg()) do
    redis.call('RPUSH', traces, at .. ' ' .. next_arg())
    redis.call('LTRIM', traces, int(-most), '-1')
    redis.call('ZADD', aged, 'NX', at, partition)
  end
end

-- What a commit does to the sets that say who is to be looked at.
local function mark(ready, due, partition, head, inputs, when)
  if head.wait == 0 then
    redis.call('ZREM', ready, partition)
  elseif inputs > 0 then
    redis.call('ZADD', ready, int(server_ms()), partition)
  end
  if when == 'never' then
    redis.call('ZREM', due, partition)
  elseif when ~= 'keep' then
    redis.call('ZADD', due, when, partition)
  end
end

-- KEYS head log doc seen traces all ready due lanes lane out over aged_seen aged_traces
-- ARGV partition channel expected at processed close inputs due, then lists, each with its length before it: erase, append
--      (kind cause body), put (name body), take (name), seen (sender hash index), the most traces, trace, out (member
--      destination body)
local function commit(keys, args)
  local next_arg = reader(args)
  local partition, channel, expected, at = next_arg(), next_arg(), next_arg(), next_arg()
  local processed, close, inputs, due = next_arg(), next_arg(), tonumber(next_arg()), next_arg()
  local head = expected_head(keys[1], expected, at)
  if not head then
    return { 'conflict', 0, 0 }
  end
  local first = head.seq + 1
  write_log(keys[2], head, at, next_arg)
  write_docs(keys[3], next_arg)
  write_seen(keys[4], keys[13], partition, first, at, next_arg)
  write_traces(keys[5], keys[14], partition, at, next_arg)
  local out = tonumber(next_arg())
  for _ = 1, out do
    local member, destination, body = next_arg(), next_arg(), next_arg()
    send(keys[9], keys[10], keys[11], member, destination, int(head.seq), at, body)
  end
  head.rev = head.rev + 1
  head.wait = head.wait + inputs
  if processed ~= '0' then
    head.proc = tonumber(processed)
    head.wait = math.max(head.wait - 1, 0)
  end
  if close == '1' then
    head.closed = '1'
  end
  write_head(keys[1], head)
  if head.closed == '1' then
    redis.call('ZADD', keys[12], int(head.last), partition)
  end
  if expected == '' then
    redis.call('ZADD', keys[6], '0', partition)
  end
  mark(keys[7], keys[8], partition, head, inputs, due)
  tell(channel, partition, head, processed, out > 0 and '1' or '0')
  return { 'done', head.rev, first }
end

-- KEYS head doc
-- ARGV names of documents; one that ends with * is a prefix
local function snapshot(keys, args)
  local head = redis.call('HMGET', keys[1], 'rev', 'seq', 'proc', 'wait', 'closed', 'last')
  if not head[1] then
    return false
  end
  local found = { head }
  local all
  for _, name in ipairs(args) do
    if name:sub(-1) == '*' then
      local prefix = name:sub(1, -2)
      all = all or redis.call('HGETALL', keys[2])
      for at = 1, #all, 2 do
        if all[at]:sub(1, #prefix) == prefix then
          found[#found + 1] = all[at]
          found[#found + 1] = all[at + 1]
        end
      end
    else
      local body = redis.call('HGET', keys[2], name)
      if body then
        found[#found + 1] = name
        found[#found + 1] = body
      end
    end
  end
  return found
end

-- KEYS lanes lane out
-- ARGV member destination now until
local function claim(keys, args)
  local lanes, lane_key, out = keys[1], keys[2], keys[3]
  local member, destination, now, till = args[1], args[2], tonumber(args[3]), args[4]
  local free_at = redis.call('ZSCORE', lanes, member)
  if not free_at or tonumber(free_at) > now then
    return false
  end
  local lane = read_lane(lane_key, destination)
  if is_empty(lane) then
    redis.call('ZREM', lanes, member)
    return false
  end
  local kept = redis.call('HGET', out, entry_field(lane.oldest, destination))
  local attempts = lane.attempts
  lane.attempts = attempts + 1
  write_lane(lane_key, destination, lane)
  redis.call('ZADD', lanes, till, member)
  return { lane.oldest, attempts, kept }
end

-- KEYS lanes lane out dead letters
-- ARGV member destination number how when letter letter_body; `when` is the next time, or now
local function settle(keys, args)
  local lanes, lane_key, out, dead, letters = keys[1], keys[2], keys[3], keys[4], keys[5]
  local member, destination, number = args[1], args[2], tonumber(args[3])
  local how, when, letter, letter_body = args[4], args[5], args[6], args[7]
  local lane = read_lane(lane_key, destination)
  if is_empty(lane) or lane.oldest ~= number then
    return 0
  end
  if how == 'later' then
    redis.call('ZADD', lanes, when, member)
    return 1
  end
  redis.call('HDEL', out, entry_field(number, destination))
  lane.oldest, lane.attempts = lane.oldest + 1, 0
  write_lane(lane_key, destination, lane)
  if is_empty(lane) then
    redis.call('ZREM', lanes, member)
  else
    redis.call('ZADD', lanes, when, member)
  end
  if how == 'dead' then
    redis.call('ZADD', dead, when, letter)
    redis.call('HSET', letters, letter, letter_body)
  end
  return 1
end

-- KEYS lanes lane out dead letters
-- ARGV member destination letter again seq now body
local function revive(keys, args)
  local lanes, lane_key, out, dead, letters = keys[1], keys[2], keys[3], keys[4], keys[5]
  local member, destination, letter, again = args[1], args[2], args[3], args[4]
  local seq, now, body = args[5], args[6], args[7]
  if redis.call('ZREM', dead, letter) == 0 then
    return 0
  end
  redis.call('HDEL', letters, letter)
  if again == '1' then
    send(lanes, lane_key, out, member, destination, seq, now, body)
  end
  return 1
end

-- KEYS head out dead letters over all ready due aged_seen aged_traces, then what else the partition has
-- ARGV partition how what; `over` takes it where it is closed and nothing was appended since `what`, `at` where `what` is its
--      revision
local function take(keys, args)
  local head_key, out, dead, letters, over = keys[1], keys[2], keys[3], keys[4], keys[5]
  local partition, how, what = args[1], args[2], tonumber(args[3])
  local head = read_head(head_key)
  if not head then
    redis.call('ZREM', over, partition)
    return 0
  end
  local rests = head.wait == 0 and redis.call('HLEN', out) == 0
  local is_meant = how == 'at' and head.rev == what
    or how == 'over' and head.closed == '1' and head.last < what
  if not rests or not is_meant then
    return 0
  end
  for _, letter in ipairs(redis.call('HKEYS', dead)) do
    redis.call('ZREM', letters, letter)
  end
  for at = 5, 10 do
    redis.call('ZREM', keys[at], partition)
  end
  redis.call('UNLINK', head_key, out, dead)
  for at = 11, #keys do
    redis.call('UNLINK', keys[at])
  end
  return 1
end

-- KEYS traces aged
-- ARGV partition before; gives how many were forgotten
local function forget_traces(keys, args)
  local traces, aged = keys[1], keys[2]
  local partition, before = args[1], tonumber(args[2])
  local gone = 0
  while true do
    local oldest = redis.call('LINDEX', traces, '0')
    if not oldest then
      redis.call('ZREM', aged, partition)
      return gone
    end
    local at = oldest:match('^(%S+) ')
    if tonumber(at) >= before then
      redis.call('ZADD', aged, at, partition)
      return gone
    end
    redis.call('LPOP', traces)
    gone = gone + 1
  end
end

-- KEYS head log seen aged
-- ARGV partition before; gives how many were forgotten
local function forget_seen(keys, args)
  local head_key, log, seen, aged = keys[1], keys[2], keys[3], keys[4]
  local partition, before = args[1], tonumber(args[2])
  local head = read_head(head_key)
  local gone, oldest = 0, nil
  local all = head and redis.call('HGETALL', seen) or {}
  for at = 1, #all, 2 do
    -- After the hash, which has 16 bytes. The time is its entry's, or that of the one before where it was erased.
    local seq = all[at + 1]:sub(17)
    local entry = redis.call('XREVRANGE', log, seq, '-', 'COUNT', '1')[1]
    local stored = entry and tonumber(entry[2][6]) or 0
    if stored < before and (tonumber(seq) <= head.proc or head.wait == 0) then
      redis.call('HDEL', seen, all[at])
      gone = gone + 1
    else
      oldest = math.min(oldest or stored, stored)
    end
  end
  if oldest then
    redis.call('ZADD', aged, int(oldest), partition)
  else
    redis.call('ZREM', aged, partition)
  end
  return gone
end

-- KEYS lease
-- ARGV node how ttl_ms; gives 1 where the node has the lease afterwards
local function lease(keys, args)
  local key, node, how, ttl_ms = keys[1], args[1], args[2], args[3]
  local holder = redis.call('GET', key)
  if how == 'take' and (not holder or holder == node) then
    redis.call('SET', key, node, 'PX', ttl_ms)
    return 1
  end
  if holder ~= node then
    return 0
  end
  if how == 'renew' then
    redis.call('PEXPIRE', key, ttl_ms)
    return 1
  end
  if how == 'release' then
    redis.call('DEL', key)
    return 0
  end
  return 1
end

-- KEYS nodes
-- ARGV node ttl_ms; gives how many processes live, and the server's time
local function announce(keys, args)
  local now = server_ms()
  redis.call('ZADD', keys[1], int(now + tonumber(args[2])), args[1])
  redis.call('ZREMRANGEBYSCORE', keys[1], '-inf', int(now))
  return { redis.call('ZCARD', keys[1]), now }
end

-- Does nothing, but may write: Redis refuses it where it would refuse a commit.
local function check()
  return 1
end

-- Redis refuses what may write where memory is short, on a replica, and where its file can't be written. What only hands work
-- on, or forgets something, is let through where memory is short: refusing it would free none.
local hands_on = { 'allow-oom' }

redis.register_function('bh2_accept', accept)
redis.register_function('bh2_commit', commit)
redis.register_function('bh2_revive', revive)
redis.register_function('bh2_check', check)
redis.register_function({ function_name = 'bh2_claim', callback = claim, flags = hands_on })
redis.register_function({ function_name = 'bh2_settle', callback = settle, flags = hands_on })
redis.register_function({ function_name = 'bh2_take', callback = take, flags = hands_on })
redis.register_function({ function_name = 'bh2_forget_traces', callback = forget_traces, flags = hands_on })
redis.register_function({ function_name = 'bh2_forget_seen', callback = forget_seen, flags = hands_on })
redis.register_function({ function_name = 'bh2_lease', callback = lease, flags = hands_on })
redis.register_function({ function_name = 'bh2_announce', callback = announce, flags = hands_on })
redis.register_function({ function_name = 'bh2_snapshot', callback = snapshot, flags = { 'no-writes' } })
