// SPDX-License-Identifier: Apache-2.0
// AsyncTicket: what work of the callback form of RunOnce knows, and can say while it runs (run_once_async.h).
#ifndef HOLDFAST_ASYNC_TICKET_H_
#define HOLDFAST_ASYNC_TICKET_H_

#include <absl/status/status.h>
#include <holdfast/idem_session.h>
#include <holdfast/run_once_plan.h>
#include <holdfast/status.h>
#include <holdfast/store.h>
#include <holdfast/ticket.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace holdfast::inline v0_5 {

// As Ticket, until the work has ended. One of Renew and Checkpoint at a time, and none while the work ends.
class AsyncTicket : public TicketBase {
 public:
  // Called once, in a thread of the store's or before the function that takes it returns. Must not block or throw.
  using Heard = std::function<void(absl::Status)>;

  // Asks the store for a new lease from now. `heard` gets what Ticket::Renew returns.
  void Renew(Heard heard) {
    hf_store_request request;
    const hf_code code = session_.Renewal(&request);
    if (code != HF_OK) return heard(internal::RenewalStatus(code));
    auto asked = std::make_unique<Asked>(*this, HF_STORE_RENEW, std::move(heard));
    Ask(std::move(asked), request);
  }

  // Stores how far the work got. `heard` gets what Ticket::Checkpoint returns.
  void Checkpoint(std::string bytes, Heard heard) {
    if (absl::Status status = internal::CheckCheckpoint(bytes); !status.ok()) {
      return heard(std::move(status));
    }
    auto asked = std::make_unique<Asked>(*this, HF_STORE_CHECKPOINT, std::move(heard));
    asked->bytes = std::move(bytes);
    hf_store_request request;
    const hf_code code = session_.Checkpoint(asked->bytes, &request);
    if (code != HF_OK) return asked->heard(internal::CheckpointStatus(code));
    Ask(std::move(asked), request);
  }

  // The lease is over, or the caller has cancelled.
  bool stop_requested() const { return cancelled_.load() || TicketBase::stop_requested(); }

  // For drivers. All must outlive the ticket.
  AsyncTicket(internal::IdemSession& session, Store& store, const RunOncePlan& plan,
              const std::atomic<bool>& cancelled)
      : TicketBase(session, plan.raw.key_id, plan.operation, plan.result_limit),
        store_(store),
        cancelled_(cancelled) {}

 private:
  // A request of the work's own, on its way. Owned by the store until it has answered.
  struct Asked final : public StoreWaiter {
    Asked(AsyncTicket& whose, hf_store_verb what, Heard then)
        : ticket(whose), verb(what), heard(std::move(then)) {}

    void OnReply(StoreReply reply) override {
      const std::unique_ptr<Asked> own(this);
      absl::Status status = verb == HF_STORE_RENEW
                                ? internal::RenewalStatus(ticket.session_.OnRenewed(reply))
                                : internal::CheckpointStatus(ticket.session_.OnCheckpointed(reply));
      heard(std::move(status));
    }

    AsyncTicket& ticket;
    const hf_store_verb verb;
    Heard heard;
    std::string bytes;
  };

  void Ask(std::unique_ptr<Asked> asked, const hf_store_request& request) {
    const Duration timeout = session_.lease_left();
    Asked& waiter = *asked.release();
    if (!store_.blocks() || !store_.Submit(request, timeout, waiter)) {
      waiter.OnReply(store_.Execute(request, timeout));
    }
  }

  Store& store_;
  const std::atomic<bool>& cancelled_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_ASYNC_TICKET_H_
