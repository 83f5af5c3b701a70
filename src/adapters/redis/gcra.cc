// SPDX-License-Identifier: Apache-2.0
// See gcra.h.
#include "adapters/redis/gcra.h"

#include <algorithm>

namespace holdfast::inline v0_5::redis {

Debt DebtOf(const Limit& limit, int64_t cost) {
  const Wide parts = static_cast<Wide>(cost) * limit.period_us;
  return {static_cast<int64_t>(parts / limit.permits), static_cast<int64_t>(parts % limit.permits)};
}

int64_t RemainingAt(const Limit& limit, const Debt& debt) {
  const Debt full = DebtOf(limit, limit.burst);
  const Wide parts = static_cast<Wide>(full.us - debt.us) * limit.permits + (full.part - debt.part);
  if (parts <= 0) return 0;
  return static_cast<int64_t>(std::min<Wide>(parts / limit.period_us, limit.burst));
}

int64_t CeilUs(const Debt& debt) { return debt.part > 0 ? debt.us + 1 : debt.us; }

const std::string_view kGcraHead = R"lua(
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
)lua";

// A key of another rate is read to the next whole microsecond, never in the caller's favour. A debt above the full
// one is of a larger burst, or of a clock that was set back: the bucket is empty then, and no more than that.
const std::string_view kGcraBody = R"lua(
local cost, cost_part = tonumber(ARGV[1]), tonumber(ARGV[2])
local full, full_part = tonumber(ARGV[3]), tonumber(ARGV[4])
local permits = tonumber(ARGV[5])

local debt, part = 0, 0
local stored = redis.call('GET', KEYS[1])
if stored then
  local at, at_part, of = string.match(stored, '^(%d+):(%d+):(%d+)$')
  if not at then return redis.error_reply('CORRUPT not a limit of holdfast') end
  debt, part = tonumber(at) - now, tonumber(at_part)
  if tonumber(of) ~= permits then
    if part > 0 then debt = debt + 1 end
    part = 0
  end
  if debt < 0 then debt, part = 0, 0 end
  if debt > full or (debt == full and part > full_part) then debt, part = full, full_part end
end

local after, after_part = debt + cost, part + cost_part
if after_part >= permits then after, after_part = after + 1, after_part - permits end

local over, over_part = after - full, after_part - full_part
if over_part < 0 then over, over_part = over - 1, over_part + permits end
if over > 0 or (over == 0 and over_part > 0) then
  if over_part > 0 then over = over + 1 end
  return {0, over, debt, part}
end

if ARGV[6] ~= '1' then return {1, 0, debt, part} end
redis.call('SET', KEYS[1], string.format('%.0f:%.0f:%.0f', now + after, after_part, permits),
           'PX', string.format('%.0f', math.ceil(after / 1000) + 1))
return {1, 0, after, after_part}
)lua";

}  // namespace holdfast::inline v0_5::redis
