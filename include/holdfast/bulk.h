// SPDX-License-Identifier: Apache-2.0
// Bulk: many keys with one fsync, round trip or replication wait where the store can (Store::ExecuteMany).
//
//   auto results = holdfast::RunMany(store, items, {.lease = 30s},
//                                    [&](std::span<holdfast::BulkClaim* const> won) {
//     for (holdfast::BulkClaim* claim : won) claim->Finish(Charge(orders[claim->index()]));
//   });
//
// or in parts: ClaimMany, the work, Finish for each claim that was won, CompleteMany. Each key has an outcome of its
// own, as if RunOnce had been called for it alone; a batch is never all or nothing. Requests go to the store in
// the order of key ids, so that two batches cannot wait for each other. Of keys that come twice in a batch
// the first may win; the others are busy, or get the replay if it does. Fences, leases and effects are per key.
#ifndef HOLDFAST_BULK_H_
#define HOLDFAST_BULK_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/bulk_rounds.h>
#include <holdfast/clock.h>
#include <holdfast/run_once_options.h>
#include <holdfast/run_once_plan.h>
#include <holdfast/run_once_result.h>
#include <holdfast/status.h>
#include <holdfast/store.h>
#include <holdfast/ticket.h>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5 {

// One key of a batch. Either `request` or `no_fingerprint` must be given; see RunOnceOptions.
struct BulkItem {
  Key key{};
  std::optional<std::string_view> request = std::nullopt;
  bool no_fingerprint = false;
};

// What became of one item. Movable; a claim that was won and goes without Finish and CompleteMany is settled alone, in
// the destructor, as work that may have happened. The store must outlive it. One thread at a time.
class BulkClaim {
 public:
  // Its place in the batch.
  size_t index() const { return index_; }
  // The first item of the batch with the same key, if that is another one.
  std::optional<size_t> same_as() const { return same_as_; }

  // The work is due here. Otherwise TakeResult has the answer.
  bool won() const { return slot_->ticket.has_value(); }
  // Only if won(): token, attempt, checkpoint, lease, DownstreamKey, SetEffect.
  TicketBase& ticket() { return *slot_->ticket; }

  // What the work returned: stored by CompleteMany. Only if won(), and once; later calls are ignored.
  void Finish(absl::StatusOr<std::string> result) { End(internal::AnswerOf(std::move(result))); }
  void Finish(const absl::Status& status) { End(internal::AnswerOf(status)); }

  // As RunOnce would return it. FAILED_PRECONDITION HF_R_BAD_STATE for a claim that is won and not completed.
  absl::StatusOr<RunOnceResult> TakeResult() {
    if (!slot_->plan.refused.ok()) return slot_->plan.refused;
    if (slot_->session.action().kind != HF_DO_FINISH) {
      return MakeStatus(HF_FAILED_PRECONDITION, HF_R_BAD_STATE,
                        "bulk: won, and not finished and completed yet");
    }
    return internal::Conclude(slot_->session, slot_->answer, false, nullptr);
  }

  // For drivers.
  BulkClaim(size_t index, std::unique_ptr<internal::BulkSlot> slot)
      : index_(index), slot_(std::move(slot)) {}
  internal::BulkSlot& slot() { return *slot_; }
  void SetSameAs(size_t first) { same_as_ = first; }

 private:
  void End(Answer answer) {
    if (!won() || !slot_->session.running()) return;
    slot_->answer = std::move(answer);
    internal::ApplyMark(slot_->session.effect(), &slot_->answer.outcome);
    slot_->session.End(slot_->answer.outcome, slot_->answer.body);
  }

  size_t index_;
  std::optional<size_t> same_as_;
  std::unique_ptr<internal::BulkSlot> slot_;
};

namespace internal {

// Options that mean something for one call alone.
inline absl::Status CheckBulk(const RunOnceOptions& options) {
  if (options.request.has_value() || options.no_fingerprint) {
    return BadOptions("bulk: request, no_fingerprint: belong to the items");
  }
  if (options.max_wait != Duration{0} || options.waiters != nullptr) {
    return BadOptions("bulk: max_wait, waiters: a batch does not wait for busy keys");
  }
  if (options.reconcile != nullptr || options.spill != nullptr) {
    return BadOptions("bulk: reconcile, spill: use RunOnce");
  }
  if (options.report != nullptr) return BadOptions("bulk: report: every item has its own result");
  return {};
}

inline std::vector<BulkSlot*> SlotsOf(std::span<BulkClaim> claims) {
  std::vector<BulkSlot*> slots;
  slots.reserve(claims.size());
  for (BulkClaim& claim : claims) slots.push_back(&claim.slot());
  return slots;
}

}  // namespace internal

// Claims all, and returns one claim per item, in their order. Blocks. Options as for RunOnce, but those of one call
// alone (request, max_wait, waiters, reconcile, spill, report): INVALID_ARGUMENT HF_R_BAD_OPTIONS for each item.
inline std::vector<BulkClaim> ClaimMany(Store& store, std::span<const BulkItem> items,
                                        const RunOnceOptions& options = {}) {
  Clock& clock = options.clock == nullptr ? Clock::Steady() : *options.clock;
  const absl::Status refused = internal::CheckBulk(options);
  std::vector<BulkClaim> claims;
  claims.reserve(items.size());
  std::map<WaitKey, size_t> first_of;
  for (size_t i = 0; i < items.size(); ++i) {
    RunOnceOptions own = options;
    own.request = items[i].request;
    own.no_fingerprint = items[i].no_fingerprint;
    claims.emplace_back(i, std::make_unique<internal::BulkSlot>(
                               store, clock, RunOncePlan(items[i].key, own, clock), i));
    internal::BulkSlot& slot = claims.back().slot();
    if (!refused.ok()) slot.plan.refused = refused;
    if (!slot.plan.refused.ok()) continue;
    slot.session.Start(slot.plan.SessionOptions());
    const auto [first, is_first] = first_of.emplace(slot.session.key_id(), i);
    if (!is_first) claims.back().SetSameAs(first->second);
  }
  internal::RunRounds(store, clock, internal::SlotsOf(claims));
  return claims;
}

// Stores what was finished, and leaves alone what was not. Blocks. The outcomes are in TakeResult.
inline void CompleteMany(Store& store, std::span<BulkClaim> claims,
                         Clock& clock = Clock::Steady()) {
  internal::RunRounds(store, clock, internal::SlotsOf(claims));
}

// Claims all, calls fn once with those that were won, if any, and completes what it finished. One result per item.
// What fn throws passes through; the claims are then settled as work that may have happened.
template <class Fn>
std::vector<absl::StatusOr<RunOnceResult>> RunMany(Store& store, std::span<const BulkItem> items,
                                                   const RunOnceOptions& options, Fn&& fn) {
  Clock& clock = options.clock == nullptr ? Clock::Steady() : *options.clock;
  std::vector<BulkClaim> claims = ClaimMany(store, items, options);
  std::vector<BulkClaim*> won;
  for (BulkClaim& claim : claims) {
    if (claim.won()) won.push_back(&claim);
  }
  if (!won.empty()) fn(std::span<BulkClaim* const>(won));
  for (BulkClaim* const claim : won) {
    claim->Finish(absl::UnknownError("bulk: the work ended without a word"));
  }
  CompleteMany(store, claims, clock);
  std::vector<absl::StatusOr<RunOnceResult>> results;
  results.reserve(claims.size());
  for (BulkClaim& claim : claims) results.push_back(claim.TakeResult());
  return results;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_BULK_H_
