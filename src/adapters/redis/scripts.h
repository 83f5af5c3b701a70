// SPDX-License-Identifier: Apache-2.0
// The Lua that runs inside Redis: guards and patches, never the transition table.
#ifndef HOLDFAST_ADAPTERS_REDIS_SCRIPTS_H_
#define HOLDFAST_ADAPTERS_REDIS_SCRIPTS_H_

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5::redis {

// What a read, and a write whose guard failed, answer: {the record or nil, TIME, PEXPIRETIME}.
//
//   script      keys          arguments                               writes
//   kRead       record        -                                       nothing
//   kSettle     record        token, now, head, keep, not_before,     if the record is IN_PROGRESS under that
//                             expires_at, completed_at, lease_until,  token; answers the new header
//                             px, body or absent
//   kComplete   record        token, head and not_before, expires_at,  likewise, completed now; answers the new
//                             px, body                                header and label
//   kErase      record        token, tombstone, px                    likewise; answers OK
//   kSwap       record,       header, record, px, [row, rows, px]     if the first 128 bytes are `header` ("":
//   kSwapNew    [audit]                                               absent); answers OK
//   kPeek       record        bytes                                   nothing: {GETRANGE, STRLEN, PEXPIRETIME}
//
// Numbers of kSettle: "" keeps what is there, "0" is zero, "+N" is N microseconds after the server's time, or
// after `now` where that is given, for tests. px "": the record keeps its time to live.
// kComplete is kSettle for the shape that counts most: half of its cost is what it does not ask. Its expires_at is
// a bare N.
// kSettle, kComplete, kErase and kSwap run at maxmemory: they settle what is there already. kSwapNew does not.
enum class Script : size_t { kRead, kSettle, kComplete, kErase, kSwap, kSwapNew, kPeek };
inline constexpr size_t kScripts = 7;

std::string_view SourceOf(Script script);

// As SCRIPT LOAD answers them; the same on every server.
using ScriptNames = std::array<std::string, kScripts>;

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_SCRIPTS_H_
