// SPDX-License-Identifier: Apache-2.0
// Fresh entropy: never zero, never twice, not shared by threads, not shared across a fork.
#include <gtest/gtest.h>
#include <holdfast/entropy.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <set>
#include <thread>
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

TEST(Entropy, AForkedChildDrawsAnew) {
  FreshSeed();  // the pool is now filled, and copied by the fork
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const uint64_t seed = FreshSeed();
    _exit(write(ends[1], &seed, sizeof(seed)) == sizeof(seed) ? 0 : 1);
  }
  uint64_t theirs = 0;
  ASSERT_EQ(read(ends[0], &theirs, sizeof(theirs)), static_cast<ssize_t>(sizeof(theirs)));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NE(FreshSeed(), theirs);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace holdfast
