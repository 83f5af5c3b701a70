// SPDX-License-Identifier: Apache-2.0
// Bulkhead: at most `limit` at once, at most `queue` waiting, first come first served.
//
// A cheap handle over a shared, thread-safe object: one per dependency, copied to whoever calls it.
//
//   auto permit = bulkhead.Acquire(deadline);       // waits its turn
//   if (!permit.ok()) return permit.status();       // says why: full, or waited too long
//   ... the permit goes back when it is destroyed
//
// Algorithm and invariants: c/bulkhead.h.
#ifndef HOLDFAST_BULKHEAD_H_
#define HOLDFAST_BULKHEAD_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/bulkhead.h>
#include <holdfast/clock.h>
#include <holdfast/handle.h>
#include <holdfast/status.h>

#include <chrono>
#include <cstdint>
#include <utility>

namespace holdfast::inline v0_2 {

// Zero in any field is its default.
struct BulkheadOptions {
  uint32_t limit = 64;                          // at once: 1..1e6
  uint32_t queue = 0;                           // waiting: 0..1e6; 0 refuses at once
  Duration max_wait = std::chrono::seconds(1);  // 1 us..24 h, besides the caller's own deadline
};

struct BulkheadSnapshot {
  uint32_t in_flight = 0;
  uint32_t waiting = 0;
  uint32_t limit = 0;
  uint64_t refused = 0;    // found it full
  uint64_t timed_out = 0;  // waited in vain
};

// One of the `limit` places. Given back by Release or the destructor. Move-only; one thread at a time.
class BulkheadPermit {
 public:
  BulkheadPermit(BulkheadPermit&& other) noexcept
      : handle_(std::move(other.handle_)),
        permit_(std::exchange(other.permit_, hf_permit{})),
        clock_(other.clock_) {}
  BulkheadPermit& operator=(BulkheadPermit other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(permit_, other.permit_);
    std::swap(clock_, other.clock_);
    return *this;
  }
  ~BulkheadPermit() { Release(); }

  // Nothing if already given back. May wake the next waiter.
  void Release() {
    if (held()) hf_bulkhead_release(handle_.get(), &permit_, clock_->Now());
  }

  bool held() const { return permit_.kind != HF_PERMIT_NONE; }

 private:
  friend class Bulkhead;
  using BulkheadHandle = Handle<hf_bulkhead, hf_bulkhead_ref, hf_bulkhead_unref>;

  BulkheadPermit(const BulkheadHandle& handle, const hf_permit& permit, Clock& clock)
      : handle_(handle), permit_(permit), clock_(&clock) {}

  BulkheadHandle handle_;
  hf_permit permit_{};
  Clock* clock_;
};

// Thread-safe; taking and giving back never allocate unless refused.
class Bulkhead {
 public:
  using Options = BulkheadOptions;

  // Empty of calls at first. Errors: kInvalidArgument, whose message names the field.
  static absl::StatusOr<Bulkhead> Create(const Options& options = {}) {
    hf_bulkhead_options raw = HF_INIT(hf_bulkhead_options);
    raw.limit = options.limit;
    raw.queue = options.queue;
    raw.max_wait = options.max_wait.count();
    hf_bulkhead* created = nullptr;
    hf_error error;
    if (hf_bulkhead_new(&raw, &created, &error) != HF_OK) return MakeStatus(error);
    return Bulkhead(created);
  }

  // Empty: may only be assigned, destroyed or tested.
  Bulkhead() = default;
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // A permit at once, or not at all; never passes a waiter. The clock must outlive the permit.
  // Errors: kResourceExhausted with a Rejection, HF_R_BULKHEAD_FULL.
  absl::StatusOr<BulkheadPermit> TryAcquire(Clock& clock = Clock::Steady()) const {
    hf_permit permit{};
    hf_rejection why{};
    if (hf_bulkhead_try_acquire(raw(), clock.Now(), &permit, &why) != HF_OK) return Refused(why);
    return BulkheadPermit(handle_, permit, clock);
  }

  // Waits in the queue until `deadline` on `clock` at the latest (0: none, max_wait still holds). Blocks
  // the thread. The clock must outlive the permit.
  // Errors: as TryAcquire if the queue is full; kDeadlineExceeded, HF_R_BULKHEAD_TIMEOUT.
  absl::StatusOr<BulkheadPermit> Acquire(hf_time deadline = 0,
                                         Clock& clock = Clock::Steady()) const {
    Wakeup wakeup;
    const hf_waker waker{[](void* data) { static_cast<Wakeup*>(data)->Wake(); }, &wakeup};
    hf_bulkhead_wait wait;
    hf_permit permit{};
    hf_rejection why{};
    hf_time until = 0;
    hf_code code =
        hf_bulkhead_wait_start(raw(), &wait, &waker, deadline, clock.Now(), &permit, &until, &why);
    if (code == HF_UNAVAILABLE) {
      const Place place{raw(), &wait, clock};
      do {
        clock.WaitUntil(until, wakeup);
        code = hf_bulkhead_wait_poll(raw(), &wait, clock.Now(), &permit, &why);
      } while (code == HF_UNAVAILABLE);
    }
    if (code != HF_OK) return Refused(why);
    return BulkheadPermit(handle_, permit, clock);
  }

  BulkheadSnapshot Snapshot() const {
    hf_bulkhead_snapshot now{};
    now.struct_size = sizeof(now);
    BulkheadSnapshot snapshot;
    if (hf_bulkhead_read(raw(), &now) != HF_OK) return snapshot;
    snapshot.in_flight = now.in_flight;
    snapshot.waiting = now.waiting;
    snapshot.limit = now.limit;
    snapshot.refused = now.refused;
    snapshot.timed_out = now.timed_out;
    return snapshot;
  }

  // The C object, borrowed.
  hf_bulkhead* raw() const { return handle_.get(); }

 private:
  explicit Bulkhead(hf_bulkhead* owned) : handle_(decltype(handle_)::Adopt(owned)) {}

  // Leaves the queue if an exception of the clock ends the wait; after an answer there is none to leave.
  struct Place {
    hf_bulkhead* bulkhead;
    hf_bulkhead_wait* wait;
    Clock& clock;
    ~Place() { hf_bulkhead_wait_cancel(bulkhead, wait, clock.Now()); }
  };

  static absl::Status Refused(const hf_rejection& why) {
    return MakeStatus(why.code, why.reason, "refused by the bulkhead", Duration{why.retry_after});
  }

  BulkheadPermit::BulkheadHandle handle_;
};

}  // namespace holdfast::inline v0_2

#endif  // HOLDFAST_BULKHEAD_H_
