// SPDX-License-Identifier: Apache-2.0
// UUIDv7: the layout of RFC 9562, order over any clock, and ids that never meet.
#include "codec/uuid7.h"

#include <gtest/gtest.h>
#include <holdfast/uuid7.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace holdfast {
namespace {

using Id = std::array<std::uint8_t, HF_UUID_SIZE>;
using Entropy = std::array<std::uint8_t, HF_UUID7_ENTROPY>;

constexpr std::int64_t kNow = 0x017F22E279B0;
constexpr std::int64_t kLastMs = (std::int64_t{1} << 48) - 1;

Entropy EntropyOf(std::uint8_t byte) {
  Entropy entropy;
  entropy.fill(byte);
  return entropy;
}

std::string TextOf(const Id& id) {
  std::string text(HF_UUID_TEXT_SIZE, '\0');
  EXPECT_EQ(hf_uuid7_format(id.data(), text.data()), HF_OK);
  return text;
}

std::int64_t MsOf(const Id& id) {
  std::int64_t ms = 0;
  for (int i = 0; i < 6; ++i) ms = ms << 8 | id[static_cast<std::size_t>(i)];
  return ms;
}

// A generator through the C ABI.
struct Generator {
  explicit Generator(std::uint8_t entropy = 7) {
    EXPECT_EQ(hf_uuid7_start(&state, EntropyOf(entropy).data()), HF_OK);
  }
  Id Next(std::int64_t ms) {
    Id id{};
    EXPECT_EQ(hf_uuid7_next(&state, ms, id.data()), HF_OK);
    return id;
  }

  hf_uuid7 state{};
};

TEST(Uuid7, PacksTheVectorOfRfc9562) {
  const codec::Uuid7Fields fields{kNow, 0xCC3ull << 30 | 0x18C4DC0C, 0x0C07398F};
  Id id;
  codec::PackUuid7(fields, id.data());
  EXPECT_EQ(TextOf(id), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

TEST(Uuid7, ReadsEitherCaseAndAnyVersion) {
  for (const char* text :
       {"017F22E2-79B0-7CC3-98C4-DC0C0C07398F", "919108f7-52d1-4320-9bac-f847db4148a8",
        "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-FFFFFFFFFFFF"}) {
    const absl::StatusOr<Uuid7> read = Uuid7::Parse(text);
    ASSERT_TRUE(read.ok()) << text;
    std::string lower = text;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char byte) { return byte >= 'A' && byte <= 'F' ? byte + 32 : byte; });
    EXPECT_EQ(read->text(), lower);
  }
}

TEST(Uuid7, RefusesWhatIsNoUuid) {
  const std::string well = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
  EXPECT_FALSE(Uuid7::Parse("").ok());
  EXPECT_FALSE(Uuid7::Parse(well.substr(1)).ok());
  EXPECT_FALSE(Uuid7::Parse(well + "0").ok());
  EXPECT_FALSE(Uuid7::Parse("{" + well.substr(2) + "}").ok());
  for (std::size_t at = 0; at < well.size(); ++at) {
    for (const char byte : {'g', 'G', ' ', '\0', '/', ':', '@', '`', '\xe1'}) {
      std::string text = well;
      text[at] = byte;
      EXPECT_FALSE(Uuid7::Parse(text).ok()) << text;
    }
    std::string moved = well;
    moved[at] = well[at] == '-' ? '0' : '-';
    EXPECT_FALSE(Uuid7::Parse(moved).ok()) << moved;
  }
}

TEST(Uuid7, EveryIdHasVersionAndVariant) {
  Generator generator;
  for (int i = 0; i < 1000; ++i) {
    const Id id = generator.Next(kNow + i % 7);
    EXPECT_EQ(id[6] >> 4, 7);
    EXPECT_EQ(id[8] >> 6, 2);
  }
}

TEST(Uuid7, CarriesTheTimeAndBeginsInTheLowerHalfOfTheCounter) {
  Generator generator;
  for (int i = 0; i < 1000; ++i) {
    const Id id = generator.Next(kNow + i);
    EXPECT_EQ(MsOf(id), kNow + i);
    EXPECT_LT(id[6] & 0xF, 8);
  }
}

TEST(Uuid7, DrawsEveryBitOfTheCounterAndOfTheEnd) {
  Generator generator;
  Id ones{}, zeros{};
  for (int i = 0; i < 200; ++i) {
    const Id id = generator.Next(kNow + i);
    for (std::size_t at = 0; at < id.size(); ++at) {
      ones[at] |= id[at];
      zeros[at] |= static_cast<std::uint8_t>(~id[at]);
    }
  }
  // But for the version, the counter's highest bit, and the variant.
  EXPECT_EQ(ones[6], 0x77);
  EXPECT_EQ(zeros[6], 0x8F);
  EXPECT_EQ(ones[8], 0xBF);
  EXPECT_EQ(zeros[8], 0x7F);
  for (const std::size_t at : {7, 9, 10, 11, 12, 13, 14, 15}) {
    EXPECT_EQ(ones[at], 0xFF) << at;
    EXPECT_EQ(zeros[at], 0xFF) << at;
  }
}

TEST(Uuid7, GoesUpWhileTheClockStandsStepsBackAndLeaps) {
  Generator generator;
  Id last = generator.Next(kNow);
  std::int64_t highest = kNow;
  for (const std::int64_t step : {0, 0, 1, -1, -1000, 0, 1'000'000'000, -999'999'999, 2, 0, 0}) {
    const std::int64_t now = kNow + step;
    highest = std::max(highest, now);
    const Id id = generator.Next(now);
    EXPECT_GT(id, last) << step;
    EXPECT_EQ(MsOf(id), highest) << step;
    last = id;
  }
}

TEST(Uuid7, CountsByOneWithinAMillisecond) {
  codec::Uuid7Generator generator(EntropyOf(1).data());
  codec::Uuid7Fields first, second;
  ASSERT_TRUE(generator.Next(kNow, &first));
  ASSERT_TRUE(generator.Next(kNow, &second));
  EXPECT_EQ(second.counter, first.counter + 1);
  EXPECT_NE(second.random, first.random);
}

TEST(Uuid7, AnExhaustedCounterBorrowsTheNextMillisecond) {
  codec::Uuid7Generator generator(EntropyOf(1).data(), kNow, codec::kUuidCounterMax - 1);
  codec::Uuid7Fields id;
  ASSERT_TRUE(generator.Next(kNow, &id));
  EXPECT_EQ(id.ms, std::uint64_t{kNow});
  EXPECT_EQ(id.counter, codec::kUuidCounterMax);
  ASSERT_TRUE(generator.Next(kNow, &id));
  EXPECT_EQ(id.ms, std::uint64_t{kNow} + 1);
  EXPECT_LE(id.counter, codec::kUuidCounterMax / 2);
  const std::uint64_t borrowed = id.counter;
  ASSERT_TRUE(generator.Next(kNow + 1, &id));  // the clock catches up
  EXPECT_EQ(id.ms, std::uint64_t{kNow} + 1);
  EXPECT_EQ(id.counter, borrowed + 1);
}

TEST(Uuid7, NothingIsAboveTheLastIdThereIs) {
  codec::Uuid7Generator generator(EntropyOf(1).data(), kLastMs, codec::kUuidCounterMax - 1);
  codec::Uuid7Fields id;
  EXPECT_TRUE(generator.Next(0, &id));
  EXPECT_FALSE(generator.Next(0, &id));
  EXPECT_FALSE(generator.Next(kLastMs, &id));
}

TEST(Uuid7, GeneratorsOfOneMomentDoNotMeet) {
  std::set<Id> seen;
  for (std::uint8_t entropy = 1; entropy < 200; ++entropy) {
    Generator generator(entropy);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(seen.insert(generator.Next(kNow)).second);
  }
}

TEST(Uuid7, RefusesBadInputAndWritesNothing) {
  Generator generator;
  Id id{};
  EXPECT_EQ(hf_uuid7_start(nullptr, EntropyOf(1).data()), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_uuid7_start(&generator.state, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_uuid7_start(&generator.state, EntropyOf(0).data()), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_uuid7_next(nullptr, kNow, id.data()), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_uuid7_next(&generator.state, kNow, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_uuid7_next(&generator.state, -1, id.data()), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_uuid7_next(&generator.state, kLastMs + 1, id.data()), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_uuid7_format(nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_uuid7_parse(nullptr, 36, id.data()), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_uuid7_parse("x", 1, id.data()), HF_INVALID_ARGUMENT);
  EXPECT_EQ(id, Id{});
  EXPECT_EQ(hf_uuid7_next(&generator.state, kLastMs, id.data()), HF_OK);
  EXPECT_EQ(hf_uuid7_next(&generator.state, 0, id.data()), HF_OK);
}

TEST(Uuid7, ACopiedOrUnstartedGeneratorIsRefused) {
  Generator generator;
  hf_uuid7 copy = generator.state;
  hf_uuid7 never{};
  Id id{};
  EXPECT_EQ(hf_uuid7_next(&copy, kNow, id.data()), HF_FAILED_PRECONDITION);
  EXPECT_EQ(hf_uuid7_next(&never, kNow, id.data()), HF_FAILED_PRECONDITION);
  EXPECT_EQ(id, Id{});
}

TEST(Uuid7, OfOneThreadGoUpAndReadBack) {
  Uuid7 last;
  for (int i = 0; i < 100'000; ++i) {
    const Uuid7 next;
    ASSERT_GT(next, last);
    last = next;
  }
  EXPECT_EQ(*Uuid7::Parse(last.text()), last);
}

TEST(Uuid7, OfManyThreadsNeverMeet) {
  std::array<std::vector<Uuid7>, 4> drawn;
  std::vector<std::thread> threads;
  for (auto& mine : drawn) threads.emplace_back([&mine] { mine.resize(20'000); });
  for (std::thread& thread : threads) thread.join();
  std::vector<Uuid7> all;
  for (const auto& mine : drawn) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

TEST(Uuid7, AForkedChildDrawsOthers) {
  Uuid7();  // the generator is now begun, and copied by the fork
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const Id id = Uuid7().bytes();
    _exit(write(ends[1], id.data(), id.size()) == HF_UUID_SIZE ? 0 : 1);
  }
  const Id mine = Uuid7().bytes();
  Id theirs{};
  ASSERT_EQ(read(ends[0], theirs.data(), theirs.size()), static_cast<ssize_t>(HF_UUID_SIZE));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  close(ends[0]);
  close(ends[1]);
  // A copied generator would have given the same random end, whatever the clock said.
  EXPECT_NE(std::vector(mine.begin() + 12, mine.end()),
            std::vector(theirs.begin() + 12, theirs.end()));
}

}  // namespace
}  // namespace holdfast
