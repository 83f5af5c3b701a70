// SPDX-License-Identifier: Apache-2.0
// The gate of the C ABI: sizes, levels, unknown tails, error texts, exceptions, references.
#include "abi/guard.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::abi {
namespace {

struct Options {
  uint32_t struct_size, abi_level;
  uint64_t first;
  uint64_t second;
};

// As a newer caller would have it.
struct LongerOptions {
  Options known;
  uint64_t third;
};

struct Snapshot {
  uint32_t struct_size;
  uint32_t first;
  uint64_t second;
};

}  // namespace

// Options grew by `second` after they were first published.
template <>
inline constexpr uint32_t kFirstSize<Options> = offsetof(Options, second);
template <>
inline constexpr uint32_t kFirstSize<Snapshot> = offsetof(Snapshot, second);

namespace {

Options Good() { return {sizeof(Options), HF_ABI_LEVEL, 11, 22}; }

hf_error Garbage() {
  hf_error error;
  std::memset(&error, 0x7A, sizeof(error));
  return error;
}

TEST(CopyIn, NullMeansDefaults) {
  Options out = Good();
  EXPECT_EQ(CopyIn<Options>(nullptr, &out, nullptr), HF_OK);
  EXPECT_EQ(out.first, 0u);
  EXPECT_EQ(out.second, 0u);
  EXPECT_EQ(out.struct_size, sizeof(Options));
  EXPECT_EQ(out.abi_level, HF_ABI_LEVEL);
}

TEST(CopyIn, CopiesWhatItKnows) {
  const Options given = Good();
  Options out{};
  EXPECT_EQ(CopyIn(&given, &out, nullptr), HF_OK);
  EXPECT_EQ(out.first, 11u);
  EXPECT_EQ(out.second, 22u);
}

TEST(CopyIn, AnOlderCallersMissingFieldsAreZero) {
  Options given = Good();
  given.struct_size = offsetof(Options, second);
  Options out = Good();
  EXPECT_EQ(CopyIn(&given, &out, nullptr), HF_OK);
  EXPECT_EQ(out.first, 11u);
  EXPECT_EQ(out.second, 0u);
}

TEST(CopyIn, RefusesLessThanTheFirstLayout) {
  for (const uint32_t size : {0u, 4u, 8u, static_cast<uint32_t>(offsetof(Options, second)) - 1}) {
    Options given = Good();
    given.struct_size = size;
    Options out{};
    hf_error error = Garbage();
    EXPECT_EQ(CopyIn(&given, &out, &error), HF_INVALID_ARGUMENT);
    EXPECT_EQ(error.reason, HF_R_STRUCT_SIZE);
    EXPECT_EQ(std::string(error.text),
              "struct_size: " + std::to_string(size) + " is outside 16..4096");
  }
}

TEST(CopyIn, RefusesASizeThatNoLayoutCanHaveWithoutReadingThatFar) {
  for (const uint32_t size : {kLargestStruct + 1, UINT32_MAX}) {
    Options given = Good();
    given.struct_size = size;
    Options out{};
    hf_error error = Garbage();
    EXPECT_EQ(CopyIn(&given, &out, &error), HF_INVALID_ARGUMENT);
    EXPECT_EQ(error.reason, HF_R_STRUCT_SIZE);
    EXPECT_EQ(CopyIn<Options>(&given, &out, nullptr), HF_INVALID_ARGUMENT);
  }
}

TEST(CopyIn, RefusesAnUnknownAbiLevel) {
  for (const uint32_t level : {0u, HF_ABI_LEVEL + 1, UINT32_MAX}) {
    Options given = Good();
    given.abi_level = level;
    Options out{};
    hf_error error = Garbage();
    EXPECT_EQ(CopyIn(&given, &out, &error), HF_INVALID_ARGUMENT);
    EXPECT_EQ(error.reason, HF_R_ABI_LEVEL);
    EXPECT_EQ(std::string(error.text), "abi_level: " + std::to_string(level) + " is outside 1..1");
    EXPECT_EQ(CopyIn<Options>(&given, &out, nullptr), HF_INVALID_ARGUMENT);
  }
}

TEST(CopyIn, AcceptsAZeroTailAndRefusesAnyOtherByte) {
  LongerOptions given{Good(), 0};
  given.known.struct_size = sizeof(given);
  Options out{};
  EXPECT_EQ(CopyIn(&given.known, &out, nullptr), HF_OK);
  EXPECT_EQ(out.second, 22u);
  for (int byte = 0; byte < 8; ++byte) {
    given.third = uint64_t{1} << (8 * byte);
    hf_error error = Garbage();
    EXPECT_EQ(CopyIn(&given.known, &out, &error), HF_INVALID_ARGUMENT);
    EXPECT_EQ(error.reason, HF_R_UNSUPPORTED_FIELD);
    EXPECT_EQ(std::string(error.text),
              "byte " + std::to_string(24 + byte) +
                  ": not zero, and this library knows only 24 bytes of the struct");
    EXPECT_EQ(CopyIn(&given.known, &out, nullptr), HF_INVALID_ARGUMENT);
  }
}

TEST(CopyOut, WritesNoMoreThanTheCallerHas) {
  Snapshot out{offsetof(Snapshot, second), 1, 77};
  EXPECT_EQ(CopyOut(Snapshot{0, 5, 6}, &out), HF_OK);
  EXPECT_EQ(out.first, 5u);
  EXPECT_EQ(out.second, 77u);
  EXPECT_EQ(out.struct_size, offsetof(Snapshot, second));
}

TEST(CopyOut, ZeroesWhatANewerCallerHasBesides) {
  struct {
    Snapshot known;
    uint64_t third;
  } out{{sizeof(out), 1, 2}, 99};
  EXPECT_EQ(CopyOut(Snapshot{0, 5, 6}, &out.known), HF_OK);
  EXPECT_EQ(out.known.second, 6u);
  EXPECT_EQ(out.known.struct_size, sizeof(out));
  EXPECT_EQ(out.third, 0u);
}

TEST(CopyOut, RefusesNullAndImpossibleSizes) {
  EXPECT_EQ(CopyOut<Snapshot>({}, nullptr), HF_INVALID_ARGUMENT);
  for (const uint32_t size : {0u, 7u, kLargestStruct + 1}) {
    Snapshot out{size, 1, 2};
    EXPECT_EQ(CopyOut(Snapshot{0, 5, 6}, &out), HF_INVALID_ARGUMENT);
    EXPECT_EQ(out.first, 1u);
  }
}

TEST(Fail, CutsWhatDoesNotFitAndTerminates) {
  hf_error error = Garbage();
  EXPECT_EQ(Fail(&error, HF_INTERNAL, HF_R_INTERNAL, std::string(1000, 'x')), HF_INTERNAL);
  EXPECT_EQ(std::strlen(error.text), sizeof(error.text) - 1);
  EXPECT_EQ(FailField(&error, HF_INTERNAL, 1, std::string(247, 'f'), "lost"), HF_INTERNAL);
  EXPECT_EQ(std::string(error.text), std::string(247, 'f'));
}

TEST(Fail, TakesANullError) {
  EXPECT_EQ(Fail(nullptr, HF_INTERNAL, HF_R_INTERNAL, "x"), HF_INTERNAL);
  EXPECT_EQ(FailField(nullptr, HF_ABORTED, HF_R_INTERNAL, "f", "x"), HF_ABORTED);
  EXPECT_EQ(FailNull(nullptr, "f"), HF_INVALID_ARGUMENT);
  EXPECT_EQ(Succeed(nullptr), HF_OK);
  EXPECT_EQ(Reject(nullptr, HF_UNAVAILABLE, HF_R_BREAKER_OPEN, 5), HF_UNAVAILABLE);
}

TEST(Fail, NamesTheFieldAndTheReason) {
  hf_error error = Garbage();
  FailNull(&error, "out");
  EXPECT_EQ(error.code, HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_NULL_ARGUMENT);
  EXPECT_STREQ(error.text, "out: is NULL");
  Succeed(&error);
  EXPECT_EQ(error.code, HF_OK);
  EXPECT_EQ(error.reason, HF_R_NONE);
  EXPECT_STREQ(error.text, "");
}

TEST(CheckRange, HasInclusiveEndsAndSaysThem) {
  hf_error error = Garbage();
  EXPECT_EQ(CheckRange(&error, "x", 1, 1, 5), HF_OK);
  EXPECT_EQ(CheckRange(&error, "x", 5, 1, 5), HF_OK);
  EXPECT_EQ(CheckRange(&error, "x", 6, 1, 5), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_OUT_OF_RANGE);
  EXPECT_STREQ(error.text, "x: 6 is outside 1..5");
  EXPECT_EQ(CheckRange(&error, "x", INT64_MIN, 0, HF_INFINITE), HF_INVALID_ARGUMENT);
  EXPECT_STREQ(error.text, "x: -9223372036854775808 is outside 0..infinite");
  EXPECT_EQ(CheckRange(nullptr, "x", 0, 1, 5), HF_INVALID_ARGUMENT);
}

TEST(CheckReal, RefusesWhatIsNotANumber) {
  hf_error error = Garbage();
  EXPECT_EQ(CheckReal(&error, "x", 0.5, 0.5, 1), HF_OK);
  EXPECT_EQ(CheckReal(&error, "x", std::nan(""), 0, 1), HF_INVALID_ARGUMENT);
  EXPECT_STREQ(error.text, "x: nan is outside 0..1");
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(CheckReal(&error, "x", infinity, 0, 1), HF_INVALID_ARGUMENT);
  EXPECT_EQ(CheckReal(&error, "x", -infinity, 0, 1), HF_INVALID_ARGUMENT);
  EXPECT_EQ(CheckReal(nullptr, "x", 2, 0, 1), HF_INVALID_ARGUMENT);
}

TEST(CheckReserved, WantsZero) {
  hf_error error = Garbage();
  EXPECT_EQ(CheckReserved(&error, "reserved0", 0), HF_OK);
  EXPECT_EQ(CheckReserved(&error, "reserved0", 1), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_UNSUPPORTED_FIELD);
  EXPECT_STREQ(error.text, "reserved0: must be 0");
}

TEST(Guarded, LetsNoExceptionOut) {
  hf_error error = Garbage();
  EXPECT_EQ(Guarded(&error, []() -> hf_code { throw std::bad_alloc(); }), HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(error.reason, HF_R_NO_MEMORY);
  EXPECT_EQ(Guarded(&error, []() -> hf_code { throw std::runtime_error("x"); }), HF_INTERNAL);
  EXPECT_EQ(error.reason, HF_R_INTERNAL);
  EXPECT_EQ(Guarded(nullptr, []() -> hf_code { throw 7; }), HF_INTERNAL);
  EXPECT_EQ(Guarded(&error, [] { return HF_ABORTED; }), HF_ABORTED);
}

struct Counted final : RefCounted {
  explicit Counted(int* destroyed) : destroyed(destroyed) {}
  ~Counted() { ++*destroyed; }
  int* destroyed;
};

TEST(RefCounted, TheLastReferenceDestroys) {
  int destroyed = 0;
  Counted* counted = nullptr;
  ASSERT_EQ(NewHandle(&counted, nullptr, &destroyed), HF_OK);
  Ref(counted);
  Unref(counted);
  EXPECT_EQ(destroyed, 0);
  Unref(counted);
  EXPECT_EQ(destroyed, 1);
  Ref<Counted>(nullptr);
  Unref<Counted>(nullptr);
}

TEST(RefCounted, IsSharedByThreads) {
  int destroyed = 0;
  auto* counted = new Counted(&destroyed);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    Ref(counted);
    threads.emplace_back([counted] {
      for (int n = 0; n < 1000; ++n) {
        Ref(counted);
        Unref(counted);
      }
      Unref(counted);
    });
  }
  Unref(counted);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(destroyed, 1);
}

struct ThrowingHandle final : RefCounted {
  explicit ThrowingHandle(int) { throw std::bad_alloc(); }
};

TEST(NewHandle, LeavesOutAloneIfThereIsNoMemory) {
  ThrowingHandle* out = nullptr;
  hf_error error = Garbage();
  EXPECT_EQ(NewHandle(&out, &error, 1), HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(error.reason, HF_R_NO_MEMORY);
  EXPECT_EQ(out, nullptr);
}

}  // namespace
}  // namespace holdfast::abi
