// SPDX-License-Identifier: Apache-2.0
// The checker is checked: it passes a sound store under concurrent careless clients, and finds each planted
// mistake in the same traffic, by its name.
#include <gtest/gtest.h>
#include <holdfast/memory/store.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "chaos/board.h"
#include "chaos/broken_store.h"
#include "chaos/checker.h"
#include "chaos/history.h"
#include "chaos/raw_client.h"
#include "store/requests.h"

namespace holdfast::chaos {
namespace {

constexpr uint32_t kThreads = 4;

std::vector<Operation> Record(Store& store, uint64_t operations, uint64_t seed) {
  Board board;
  board.limit = operations;
  std::vector<std::unique_ptr<HistoryLog>> logs;
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) {
    logs.push_back(HistoryLog::Create("", 8 * operations).value());
    threads.emplace_back([&, log = logs.back().get(), i] {
      RecordingStore recording(store, *log);
      RawClient client(recording, board, i + 1, seed * kThreads + i);
      while (!board.Over() && recording.Room()) client.Step();
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<Operation> all;
  for (uint32_t i = 0; i < kThreads; ++i) {
    const std::vector<Operation> some = OperationsOf(logs[i]->Events(), i);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

class Planted : public ::testing::TestWithParam<std::pair<Mistake, std::string>> {};

TEST_P(Planted, IsFoundAndNamed) {
  const auto& [mistake, name] = GetParam();
  const auto sound = memory::Store::Create().value();
  BrokenStore broken(*sound, mistake, 20);
  CheckOptions options;
  options.model.tolerance = HF_MS;  // the store's clock is our own
  const CheckResult result = Check(Record(broken, 20'000, 7), options);
  ASSERT_GT(broken.mistakes(), 0u);
  ASSERT_FALSE(result.violations.empty());
  std::map<std::string, int> kinds;
  for (const Violation& violation : result.violations) ++kinds[violation.kind];
  for (const auto& [kind, count] : kinds) {
    std::printf("  %s: %d of %zu violations\n", kind.c_str(), count, result.violations.size());
  }
  // One mistake may show as another once the key has gone on from there.
  EXPECT_GT(2 * static_cast<size_t>(kinds[name]), result.violations.size())
      << result.violations.front().kind << "\n"
      << result.violations.front().history;
  EXPECT_NE(result.violations.front().history.find("<- impossible"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Mistakes, Planted,
                         ::testing::Values(std::pair(Mistake::kDoubleWon, "double Won"),
                                           std::pair(Mistake::kStaleReplay, "stale replay"),
                                           std::pair(Mistake::kLostComplete, "lost complete"),
                                           std::pair(Mistake::kTokenReuse, "token reuse"),
                                           std::pair(Mistake::kWrongBytes, "wrong bytes"),
                                           std::pair(Mistake::kLyingUnavailable,
                                                     "impossible BUSY to CLAIM")),
                         [](const auto& info) {
                           std::string name = info.param.second;
                           std::erase(name, ' ');
                           return name;
                         });

TEST(SoundStore, PassesAHundredThousandOperationsOfCarelessClients) {
  const auto store = memory::Store::Create().value();
  std::vector<Operation> operations = Record(*store, 100'000, 3);
  const int64_t start = MonotonicNow();
  const CheckResult result = Check(std::move(operations));
  std::printf("  %lu operations, %lu keys, %lu configurations, %.2f s\n", result.operations,
              result.keys, result.configurations,
              static_cast<double>(MonotonicNow() - start) / HF_S);
  EXPECT_GE(result.operations, 100'000u);
  EXPECT_EQ(result.undecided, 0u);
  for (const Violation& violation : result.violations) {
    ADD_FAILURE() << violation.kind << "\n" << violation.history;
    break;
  }
}

}  // namespace
}  // namespace holdfast::chaos
