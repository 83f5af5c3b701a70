// SPDX-License-Identifier: Apache-2.0
// Fresh entropy: never zero, never twice, not shared by threads, not shared across a fork.
#include <gtest/gtest.h>
#include <holdfast/entropy.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast {
namespace {

TEST(Entropy, SeedsAreFreshAndNeverZero) {
  std::set<uint64_t> seen;
  for (int i = 0; i < 20000; ++i) {
    const uint64_t seed = FreshSeed();
    EXPECT_NE(seed, 0u);
    EXPECT_TRUE(seen.insert(seed).second) << "drawn twice";
  }
}

TEST(Entropy, CallSeedsAreFreshAndNeverZero) {
  std::set<uint64_t> seen;
  for (int i = 0; i < 20000; ++i) {
    const uint64_t seed = CallSeed();
    EXPECT_NE(seed, 0u);
    EXPECT_TRUE(seen.insert(seed).second) << "drawn twice";
  }
}

TEST(Entropy, FillsAnySizeAcrossTheEndOfThePool) {
  std::vector<uint8_t> large(5000, 0);
  FillRandom(large);
  // All-zero runs of 16 bytes would mean that a part was left out.
  int run = 0;
  for (const uint8_t byte : large) {
    run = byte == 0 ? run + 1 : 0;
    ASSERT_LT(run, 16);
  }
  FillRandom({});
}

TEST(Entropy, EveryByteOfASmallBufferIsDrawn) {
  std::array<bool, 16> changed{};
  for (int i = 0; i < 50; ++i) {
    std::array<uint8_t, 16> nonce{};
    FillRandom(nonce);
    for (size_t at = 0; at < nonce.size(); ++at) changed[at] = changed[at] || nonce[at] != 0;
  }
  for (const bool drawn : changed) EXPECT_TRUE(drawn);
}

TEST(Entropy, ThreadsDrawTheirOwn) {
  std::array<std::vector<uint64_t>, 4> drawn;
  std::vector<std::thread> threads;
  for (auto& mine : drawn) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < 1000; ++i) mine.push_back(FreshSeed());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<uint64_t> all;
  for (const auto& mine : drawn) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), 4000u);
}

// What a forked child draws as its first and the parent as its next.
std::pair<uint64_t, uint64_t> DrawOnBothSides(uint64_t (*draw)()) {
  draw();  // the pool is now filled, and copied by the fork
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  EXPECT_GE(child, 0);
  if (child == 0) {
    const uint64_t seed = draw();
    _exit(write(ends[1], &seed, sizeof(seed)) == sizeof(seed) ? 0 : 1);
  }
  uint64_t theirs = 0;
  EXPECT_EQ(read(ends[0], &theirs, sizeof(theirs)), static_cast<ssize_t>(sizeof(theirs)));
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  close(ends[0]);
  close(ends[1]);
  return {draw(), theirs};
}

TEST(Entropy, AForkedChildDrawsAnew) {
  const auto [ours, theirs] = DrawOnBothSides(&FreshSeed);
  EXPECT_NE(ours, theirs);
  const auto [our_call, their_call] = DrawOnBothSides(&CallSeed);
  EXPECT_NE(our_call, their_call);
}

}  // namespace
}  // namespace holdfast
