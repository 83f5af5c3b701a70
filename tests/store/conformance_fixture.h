// SPDX-License-Identifier: Apache-2.0
// What the conformance suites share: a store, its clock, and ways to let time pass whoever keeps it.
//
// A store whose clock a test can move is judged to the nanosecond. One with a server's clock is given short
// leases and lives, and asked (READ changes nothing) until they are over, within a bound.
#ifndef HOLDFAST_TESTS_STORE_CONFORMANCE_FIXTURE_H_
#define HOLDFAST_TESTS_STORE_CONFORMANCE_FIXTURE_H_

#include <gtest/gtest.h>
#include <holdfast/operable_store.h>
#include <holdfast/store.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "store/requests.h"

namespace holdfast {

template <class Factory>
constexpr bool MovesClock() {
  if constexpr (requires { Factory::kMovesClock; }) return Factory::kMovesClock;
  return true;
}

template <class Factory>
constexpr bool Submits() {
  if constexpr (requires { Factory::kSubmits; }) return Factory::kSubmits;
  return true;
}

template <class Factory>
class StoreFixture : public ::testing::Test {
 protected:
  static constexpr bool kMovesClock = MovesClock<Factory>();
  static constexpr hf_duration kShort = 40 * HF_MS;  // by a server's clock

  StoreFixture() : store_(factory_.Make(clock_.Function())) {}

  StoreReply Ask(const StoreRequest& request) { return store_->Execute(request, Duration{0}); }
  hf_store_status StatusOf(const StoreRequest& request) { return Ask(request).raw.status; }

  // Claims as `who` and gives the token; 0 unless won.
  uint64_t Win(std::string_view key, uint64_t who, hf_on_expiry on_expiry = HF_ON_EXPIRY_IN_DOUBT) {
    return TokenOf(Ask(testing::Claim(key, who, on_expiry)));
  }
  // Likewise, with a lease that LetLeaseLapse can wait for.
  uint64_t WinBriefly(std::string_view key, uint64_t who,
                      hf_on_expiry on_expiry = HF_ON_EXPIRY_IN_DOUBT) {
    return TokenOf(Ask(Brief(testing::Claim(key, who, on_expiry))));
  }
  // `request` with a lease and a life that a test can let pass.
  StoreRequest Brief(StoreRequest request) const {
    if (kMovesClock) return request;
    request.lease = request.ttl = kShort;
    return request;
  }
  // A backoff likewise.
  hf_duration Backoff() const { return kMovesClock ? HF_S : kShort; }

  void LetLeaseLapse(std::string_view key) { LetPass(key, HF_STORE_BUSY, testing::kLease); }
  void LetLifePass(std::string_view key) { LetPass(key, HF_STORE_REPLAY, testing::kTtl); }
  void LetBackoffPass(std::string_view key) { LetPass(key, HF_STORE_BACKOFF, Backoff()); }
  void LetBusyPass(std::string_view key, hf_duration by) { LetPass(key, HF_STORE_BUSY, by); }

  // `told` is what is left of `whole` after `passed` by a clock that a test moves, if it does.
  void ExpectLeft(hf_duration told, hf_duration whole, hf_duration passed = 0) {
    if (kMovesClock) {
      EXPECT_EQ(told, whole - passed);
    } else {
      EXPECT_GT(told, 0);
      EXPECT_LE(told, whole);
    }
  }

  void ReopenIfDurable() {
    if (!Factory::kDurable) return;
    store_.reset();
    store_ = factory_.Make(clock_.Function());
  }

  OperableStore& operable() { return static_cast<OperableStore&>(*store_); }

  testing::StoreClock clock_;
  Factory factory_;
  std::unique_ptr<Store> store_;

 private:
  static uint64_t TokenOf(const StoreReply& reply) {
    EXPECT_EQ(reply.raw.status, HF_STORE_WON) << reply.detail;
    return reply.raw.status == HF_STORE_WON ? reply.raw.token : 0;
  }

  void LetPass(std::string_view key, hf_store_status status, hf_duration by) {
    if (kMovesClock) return clock_.Advance(by);
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (StatusOf(testing::Read(key)) == status) {
      ASSERT_LT(std::chrono::steady_clock::now(), limit) << "the store's time does not pass";
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
};

// For what only a clock moved by hand can show.
#define HF_NEEDS_MOVING_CLOCK()                                                         \
  if (!TestFixture::kMovesClock) {                                                      \
    GTEST_SKIP() << "the store's clock is its server's, and no test can move it there"; \
  }                                                                                     \
  static_assert(true)

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_STORE_CONFORMANCE_FIXTURE_H_
