//! What Redis has no command for, as Lua that it runs in one go. Must not know how a script is sent.

/// Stores `ARGV[2]` where the value is `ARGV[1]`. `ARGV[3]`: `KEEPTTL`, a time to live in milliseconds, or nothing.
/// Answers 1 when it was stored.
pub(crate) const SET_IF_EQUAL: &str = "\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2])
elseif ARGV[3] == 'KEEPTTL' then redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1";

/// Deletes where the value is `ARGV[1]`. Answers 1 when it did.
pub(crate) const DELETE_IF_EQUAL: &str = "\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])";

/// Adds `ARGV[1]`; a counter that this makes lives for `ARGV[2]` milliseconds. Answers the sum as text, since a number of
/// Lua's would lose digits.
pub(crate) const ADD_WITH_TTL: &str = "\
local made = redis.call('EXISTS', KEYS[1]) == 0
redis.call('INCRBY', KEYS[1], ARGV[1])
if made then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('GET', KEYS[1])";
