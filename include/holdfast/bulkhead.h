// SPDX-License-Identifier: Apache-2.0
// Bulkhead: at most `limit` at once, at most `queue` waiting, whoever matters most first.
//
// A cheap handle over a shared, thread-safe object: one per dependency, copied to whoever calls it.
//
//   auto permit = bulkhead.Acquire(deadline);       // waits its turn
//   if (!permit.ok()) return permit.status();       // says why: full, or waited too long
//   ... the permit goes back when it is destroyed, or by Settle, which also says how it went
//
// Algorithm and invariants: c/bulkhead.h.
#ifndef HOLDFAST_BULKHEAD_H_
#define HOLDFAST_BULKHEAD_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/bulkhead_options.h>
#include <holdfast/c/bulkhead.h>
#include <holdfast/clock.h>
#include <holdfast/handle.h>
#include <holdfast/status.h>

#include <cstdint>
#include <utility>

namespace holdfast::inline v0_5 {

// One of the `limit` places. Given back by Release, Settle or the destructor. Move-only; one thread at a
// time.
class BulkheadPermit {
 public:
  BulkheadPermit(BulkheadPermit&& other) noexcept
      : handle_(std::move(other.handle_)),
        permit_(std::exchange(other.permit_, hf_permit{})),
        clock_(other.clock_),
        started_(other.started_) {}
  BulkheadPermit& operator=(BulkheadPermit other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(permit_, other.permit_);
    std::swap(clock_, other.clock_);
    std::swap(started_, other.started_);
    return *this;
  }
  ~BulkheadPermit() { Release(); }

  // Nothing if already given back. May wake the next waiter.
  void Release() {
    if (held()) hf_bulkhead_release(handle_.get(), &permit_, clock_->Now());
  }

  // Release, and says how the call went: its time since the permit was given feeds the expected latency.
  // HF_VERDICT_IGNORED, and anything but the four verdicts, is as Release.
  void Settle(hf_verdict verdict) {
    if (!held()) return;
    hf_bulkhead_settle(handle_.get(), &permit_, started_, verdict, clock_->Now());
    Release();  // still held if the verdict was none
  }

  bool held() const { return permit_.kind != HF_PERMIT_NONE; }

 private:
  friend class Bulkhead;
  using BulkheadHandle = Handle<hf_bulkhead, hf_bulkhead_ref, hf_bulkhead_unref>;

  BulkheadPermit(const BulkheadHandle& handle, const hf_permit& permit, Clock& clock,
                 hf_time started)
      : handle_(handle), permit_(permit), clock_(&clock), started_(started) {}

  BulkheadHandle handle_;
  hf_permit permit_{};
  Clock* clock_;
  hf_time started_;
};

// Thread-safe; taking and giving back never allocate unless refused.
class Bulkhead {
 public:
  using Options = BulkheadOptions;

  // Empty of calls at first. Errors: kInvalidArgument, whose message names the field.
  static absl::StatusOr<Bulkhead> Create(const Options& options = {}) {
    const hf_bulkhead_options raw = options.Raw();
    hf_bulkhead* created = nullptr;
    hf_error error;
    if (hf_bulkhead_new(&raw, &created, &error) != HF_OK) return MakeStatus(error);
    return Bulkhead(created);
  }

  // Puts other options in place, at once and as a whole; permits, waiters and counts stay.
  // Errors: as Create; then nothing has changed.
  absl::Status Update(const Options& options, hf_time now) const {
    const hf_bulkhead_options raw_options = options.Raw();
    hf_error error;
    if (hf_bulkhead_update(raw(), &raw_options, now, &error) != HF_OK) return MakeStatus(error);
    return absl::OkStatus();
  }

  // The limit alone. Never blocks: a smaller one takes effect as permits come back.
  // Errors: kInvalidArgument for one outside 1..1e6.
  absl::Status SetLimit(uint32_t limit, hf_time now) const {
    if (hf_bulkhead_set_limit(raw(), limit, now) == HF_OK) return absl::OkStatus();
    return absl::InvalidArgumentError("limit: is outside 1..1000000");
  }

  // Empty: may only be assigned, destroyed or tested.
  Bulkhead() = default;
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // A permit at once, or not at all; never passes a waiter. The clock must outlive the permit.
  // Errors: kResourceExhausted with a Rejection: HF_R_BULKHEAD_FULL, or HF_R_BULKHEAD_SHARE;
  // kDeadlineExceeded, HF_R_BULKHEAD_NO_TIME; kInvalidArgument for a request out of range.
  absl::StatusOr<BulkheadPermit> TryAcquire(Clock& clock = Clock::Steady()) const {
    hf_permit permit{};
    hf_rejection why{};
    const hf_time now = clock.Now();
    if (hf_bulkhead_try_acquire(raw(), now, &permit, &why) != HF_OK) return Refused(why);
    return BulkheadPermit(handle_, permit, clock, now);
  }
  absl::StatusOr<BulkheadPermit> TryAcquire(const BulkheadRequest& request,
                                            Clock& clock = Clock::Steady()) const {
    const hf_bulkhead_request asks = request.Raw();
    hf_permit permit{};
    hf_rejection why{};
    const hf_time now = clock.Now();
    const hf_code code =
        hf_bulkhead_acquire(raw(), &asks, nullptr, nullptr, now, &permit, nullptr, &why);
    if (code != HF_OK) return Refused(why);
    return BulkheadPermit(handle_, permit, clock, now);
  }

  // Waits in the queue until `deadline` on `clock` at the latest (0: none, max_wait still holds). Blocks
  // the thread. The clock must outlive the permit.
  // Errors: as TryAcquire if it cannot queue; kDeadlineExceeded, HF_R_BULKHEAD_TIMEOUT;
  // kResourceExhausted, HF_R_BULKHEAD_OVERLOADED.
  absl::StatusOr<BulkheadPermit> Acquire(hf_time deadline = 0,
                                         Clock& clock = Clock::Steady()) const {
    return Acquire(BulkheadRequest{.deadline = deadline}, clock);
  }
  absl::StatusOr<BulkheadPermit> Acquire(const BulkheadRequest& request,
                                         Clock& clock = Clock::Steady()) const {
    const hf_bulkhead_request asks = request.Raw();
    Wakeup wakeup;
    const hf_waker waker{[](void* data) { static_cast<Wakeup*>(data)->Wake(); }, &wakeup};
    hf_bulkhead_wait wait;
    hf_permit permit{};
    hf_rejection why{};
    hf_time until = 0;
    hf_time now = clock.Now();
    hf_code code = hf_bulkhead_acquire(raw(), &asks, &wait, &waker, now, &permit, &until, &why);
    if (code == HF_UNAVAILABLE) {
      const Place place{raw(), &wait, clock};
      do {
        clock.WaitUntil(until, wakeup);
        now = clock.Now();
        code = hf_bulkhead_wait_poll(raw(), &wait, now, &permit, &why);
      } while (code == HF_UNAVAILABLE);
    }
    if (code != HF_OK) return Refused(why);
    return BulkheadPermit(handle_, permit, clock, now);
  }

  BulkheadSnapshot Snapshot() const {
    hf_bulkhead_snapshot now{};
    now.struct_size = sizeof(now);
    if (hf_bulkhead_read(raw(), &now) != HF_OK) return {};
    return BulkheadSnapshot::From(now);
  }

  // The C object, borrowed.
  hf_bulkhead* raw() const { return handle_.get(); }

  // For drivers that wait by themselves: a permit that this bulkhead gave at `now`, and why it did not.
  BulkheadPermit Adopt(const hf_permit& permit, Clock& clock, hf_time now) const {
    return BulkheadPermit(handle_, permit, clock, now);
  }
  static absl::Status Refused(const hf_rejection& why) {
    return MakeStatus(why.code, why.reason, "refused by the bulkhead", Duration{why.retry_after});
  }

 private:
  explicit Bulkhead(hf_bulkhead* owned) : handle_(decltype(handle_)::Adopt(owned)) {}

  // Leaves the queue if an exception of the clock ends the wait; after an answer there is none to leave.
  struct Place {
    hf_bulkhead* bulkhead;
    hf_bulkhead_wait* wait;
    Clock& clock;
    ~Place() { hf_bulkhead_wait_cancel(bulkhead, wait, clock.Now()); }
  };

  BulkheadPermit::BulkheadHandle handle_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_BULKHEAD_H_
