// SPDX-License-Identifier: Apache-2.0
// Entropy: fresh random bytes from the operating system, drawn in batches.
//
// Each thread keeps a small pool, so that a seed costs a few nanoseconds and not a system call. What was
// handed out is wiped from the pool. After a fork the child draws anew: two processes never share bytes.
// (A raw clone that runs no fork handlers is not noticed.)
// Good for jitter seeds, nonces and identifiers; not for keys that must be forgotten on demand.
#ifndef HOLDFAST_ENTROPY_H_
#define HOLDFAST_ENTROPY_H_

#include <pthread.h>
#include <sys/random.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

namespace holdfast::inline v0_5 {

namespace internal {

// How many forks lie between this process and the one that started.
inline std::atomic<uint32_t> fork_generation{0};

inline const int fork_handler_registered = pthread_atfork(
    nullptr, nullptr, +[] { fork_generation.fetch_add(1, std::memory_order_relaxed); });

class EntropyPool {
 public:
  constexpr EntropyPool() = default;

  void Take(unsigned char* out, size_t size) {
    while (size > 0) {
      // Relaxed: only this thread survives its own fork.
      const uint32_t generation = fork_generation.load(std::memory_order_relaxed);
      if (left_ == 0 || generation != generation_) Refill(generation);
      const size_t count = size < left_ ? size : left_;
      unsigned char* const from = bytes_ + kSize - left_;
      std::memcpy(out, from, count);
      std::memset(from, 0, count);
      left_ -= count;
      out += count;
      size -= count;
    }
  }

 private:
  static constexpr size_t kSize = 512;

  void Refill(uint32_t generation) {
    size_t have = 0;
    while (have < kSize) {
      const ssize_t got = getrandom(bytes_ + have, kSize - have, 0);
      if (got > 0) {
        have += static_cast<size_t>(got);
      } else if (errno != EINTR) {
        // No entropy, no uniqueness: going on would let a whole fleet march in step.
        std::abort();
      }
    }
    left_ = kSize;
    generation_ = generation;
  }

  unsigned char bytes_[kSize] = {};
  size_t left_ = 0;
  uint32_t generation_ = 0;
};

inline EntropyPool& ThreadEntropy() {
  static thread_local constinit EntropyPool pool;
  return pool;
}

}  // namespace internal

// Fills `out` with random bytes. Thread-safe. Ends the process if the operating system has none to give,
// which on Linux it always has after boot.
inline void FillRandom(std::span<uint8_t> out) {
  internal::ThreadEntropy().Take(out.data(), out.size());
}

// Eight random bytes, never all 0. Thread-safe.
inline uint64_t FreshSeed() {
  uint64_t seed = 0;
  while (seed == 0) {
    unsigned char bytes[sizeof(seed)];
    internal::ThreadEntropy().Take(bytes, sizeof(bytes));
    std::memcpy(&seed, bytes, sizeof(seed));
  }
  return seed;
}

// A seed for the jitter of one call, never 0. Thread-safe. Sixty-four calls of a thread share eight fresh
// bytes of the operating system, each a step further: no two are alike, whoever draws from a seed mixes
// it (engine/rng.h), and the price stays far below that of the call. Seeds keep no secret; for identifiers
// and nonces take FreshSeed or FillRandom.
inline uint64_t CallSeed() {
  struct Batch {
    uint64_t base = 0;
    uint32_t left = 0;
    uint32_t generation = 0;
  };
  static thread_local constinit Batch batch;
  const uint32_t generation = internal::fork_generation.load(std::memory_order_relaxed);
  if (batch.left == 0 || batch.generation != generation) batch = {FreshSeed(), 64, generation};
  --batch.left;
  batch.base += 0x9E3779B97F4A7C15;
  return batch.base != 0 ? batch.base : 1;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_ENTROPY_H_
