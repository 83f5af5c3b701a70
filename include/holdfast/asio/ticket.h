// SPDX-License-Identifier: Apache-2.0
// Ticket: what asynchronous work that runs once knows, and can say while it runs.
#ifndef HOLDFAST_ASIO_TICKET_H_
#define HOLDFAST_ASIO_TICKET_H_

#include <absl/status/status.h>
#include <holdfast/asio/store_request.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/idem_session.h>
#include <holdfast/run_once_plan.h>
#include <holdfast/store.h>
#include <holdfast/ticket.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <string_view>

namespace holdfast::inline v0_5::asio {

// As holdfast::Ticket. One of Renew and Checkpoint at a time.
class Ticket : public TicketBase {
 public:
  // Asks the store for a new lease from now. Errors as holdfast::Ticket::Renew.
  boost::asio::awaitable<absl::Status> Renew() {
    hf_store_request request;
    hf_code code = session_.Renewal(&request);
    if (code == HF_OK) code = session_.OnRenewed(co_await Ask(request));
    co_return holdfast::internal::RenewalStatus(code);
  }

  // Stores how far the work got. Errors as holdfast::Ticket::Checkpoint. `bytes` must live until it is done.
  boost::asio::awaitable<absl::Status> Checkpoint(std::string_view bytes) {
    if (absl::Status status = holdfast::internal::CheckCheckpoint(bytes); !status.ok()) {
      co_return status;
    }
    hf_store_request request;
    hf_code code = session_.Checkpoint(bytes, &request);
    if (code == HF_OK) code = session_.OnCheckpointed(co_await Ask(request));
    co_return holdfast::internal::CheckpointStatus(code);
  }

  // For drivers.
  Ticket(holdfast::internal::IdemSession& session, Store& store, boost::asio::thread_pool* pool,
         const RunOncePlan& plan)
      : TicketBase(session, plan.raw.key_id, plan.operation, plan.result_limit),
        store_(store),
        pool_(pool) {}

 private:
  boost::asio::awaitable<StoreReply> Ask(hf_store_request request) {
    auto reply = co_await internal::Execute(store_, pool_, request, session_.lease_left());
    if (reply.has_value()) co_return *std::move(reply);
    co_return StorageReply(HF_STORE_UNAVAILABLE, "nowhere to run a request that blocks");
  }

  Store& store_;
  boost::asio::thread_pool* pool_;
};

}  // namespace holdfast::inline v0_5::asio

#endif  // HOLDFAST_ASIO_TICKET_H_
