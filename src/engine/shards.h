// SPDX-License-Identifier: Apache-2.0
// How what many threads count is split up, so that they do not wait for each other's cache lines.
//
// A counter in shards is a sum that only grows; whoever reads it takes the difference to an earlier reading.
// That loses nothing, whichever way a reading falls between two additions.
#ifndef HOLDFAST_ENGINE_SHARDS_H_
#define HOLDFAST_ENGINE_SHARDS_H_

#include <cstddef>
#include <cstdint>

namespace holdfast::engine {

inline constexpr size_t kCacheLine = 64;
inline constexpr uint32_t kShards = 16;

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_SHARDS_H_
