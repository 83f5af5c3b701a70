// SPDX-License-Identifier: Apache-2.0
// How a batch of sessions is driven: in rounds, each of which puts what they all ask of the store into one ExecuteMany.
// Included by bulk.h.
//
// Invariant: after RunRounds each session is over, or its work is due, or at work.
#ifndef HOLDFAST_BULK_ROUNDS_H_
#define HOLDFAST_BULK_ROUNDS_H_

#include <holdfast/clock.h>
#include <holdfast/idem_session.h>
#include <holdfast/run_once_plan.h>
#include <holdfast/run_once_result.h>
#include <holdfast/status.h>
#include <holdfast/store.h>
#include <holdfast/ticket.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5::internal {

// As it is for all tickets, without a store of its own to ask.
class BulkTicket final : public TicketBase {
 public:
  BulkTicket(IdemSession& session, const RunOncePlan& plan)
      : TicketBase(session, plan.raw.key_id, plan.operation, plan.result_limit) {}
};

// One key of a batch. Pinned.
struct BulkSlot {
  BulkSlot(Store& store, Clock& clock, RunOncePlan what, size_t index)
      : place(index), plan(std::move(what)), session(store, clock, nullptr) {}

  size_t place;      // in the batch
  RunOncePlan plan;  // it and the answer outlive the session, which borrows from them
  Answer answer;
  IdemSession session;
  std::optional<BulkTicket> ticket;  // won
};

// Without anybody to ask what happened, or where a store broke its contract: over.
inline void LeaveSlot(BulkSlot& slot, Store& store) {
  const bool broken = slot.session.broken();
  if (const auto* last = slot.session.LastWord()) {
    slot.session.OnLastReply(store.Execute(*last, Duration{0}));
  }
  if (broken) return slot.session.SetEnd(HF_INTERNAL, HF_R_INTERNAL);
  slot.session.SetEnd(HF_FAILED_PRECONDITION, HF_R_IDEM_IN_DOUBT);
}

// The shortest of the times that the requests have left; 0: as the store sees fit.
inline Duration ShortestOf(const std::vector<BulkSlot*>& asking) {
  Duration shortest{0};
  for (const BulkSlot* const slot : asking) {
    const Duration left = slot->session.time_left();
    if (left != Duration{0} && (shortest == Duration{0} || left < shortest)) shortest = left;
  }
  return shortest;
}

inline void AskAll(Store& store, const std::vector<BulkSlot*>& asking) {
  std::vector<StoreRequest> requests;
  requests.reserve(asking.size());
  const Duration timeout = ShortestOf(asking);
  for (BulkSlot* const slot : asking) {
    const hf_store_request* const request = slot->session.Request();
    requests.push_back(request != nullptr ? *request : StoreRequest{});
  }
  std::vector<StoreReply> replies = store.ExecuteMany(requests, timeout);
  replies.resize(
      asking.size());  // a store that answers too little has answered against its contract
  for (size_t i = 0; i < asking.size(); ++i) asking[i]->session.OnReply(std::move(replies[i]));
}

inline void RunRounds(Store& store, Clock& clock, std::vector<BulkSlot*> slots) {
  // By key id; those of one key in the order of the batch.
  std::sort(slots.begin(), slots.end(), [](const BulkSlot* a, const BulkSlot* b) {
    if (a->session.key_id() != b->session.key_id()) {
      return a->session.key_id() < b->session.key_id();
    }
    return a->place < b->place;
  });
  while (true) {
    std::vector<BulkSlot*> asking;
    hf_time earliest = HF_INFINITE;
    for (BulkSlot* const slot : slots) {
      if (!slot->plan.refused.ok()) continue;
      if (slot->session.broken()) LeaveSlot(*slot, store);
      const hf_action& action = slot->session.action();
      if (action.kind == HF_DO_STORE) asking.push_back(slot);
      if (action.kind == HF_DO_SLEEP) earliest = std::min(earliest, action.until);
      if (action.kind == HF_DO_RECONCILE) LeaveSlot(*slot, store);
      if (action.kind == HF_DO_RUN && !slot->ticket.has_value()) {
        slot->session.Begin();
        slot->ticket.emplace(slot->session, slot->plan);
      }
    }
    if (!asking.empty()) {
      AskAll(store, asking);
      continue;
    }
    if (earliest == HF_INFINITE) return;
    Wakeup nobody;
    clock.WaitUntil(earliest, nobody);
    for (BulkSlot* const slot : slots) {
      if (slot->session.action().kind == HF_DO_SLEEP) slot->session.OnTime();
    }
  }
}

}  // namespace holdfast::inline v0_5::internal

#endif  // HOLDFAST_BULK_ROUNDS_H_
