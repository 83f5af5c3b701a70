// SPDX-License-Identifier: Apache-2.0
// Ticket: what asynchronous work that runs once knows, and can say while it runs.
#ifndef HOLDFAST_ASIO_TICKET_H_
#define HOLDFAST_ASIO_TICKET_H_

#include <absl/status/status.h>
#include <holdfast/asio/idem_session.h>
#include <holdfast/asio/store_request.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/run_once_result.h>
#include <holdfast/status.h>
#include <holdfast/store.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::inline v0_4::asio {

// As holdfast::Ticket. Not thread-safe, but lease_remaining and the constants.
class Ticket {
 public:
  // The fencing token: rises for ever per key. A resource that remembers the highest one it saw can
  // refuse whoever comes late.
  uint64_t token() const { return token_; }
  // Claims of this key so far, this one included. Above 1: an earlier attempt may have left traces.
  uint32_t attempt() const { return attempt_; }
  // Zero: the lease is over, another may own the key. Write nothing any more.
  Duration lease_remaining() const { return session_.lease_remaining(); }
  bool stop_requested() const { return lease_remaining() == Duration{0}; }

  // Asks the store for a new lease from now. One at a time.
  // Errors: ABORTED IDEM_FENCED: lost, stop. UNAVAILABLE, UNKNOWN, DATA_LOSS: the old lease holds.
  boost::asio::awaitable<absl::Status> Renew() {
    hf_store_request request;
    hf_code code = session_.Renewal(&request);
    if (code == HF_OK) {
      const StoreReply reply =
          co_await internal::Execute(store_, pool_, request, session_.lease_left());
      code = session_.OnRenewed(reply);
    }
    co_return MakeStatus(code, holdfast::internal::RenewReason(code),
                         "idempotency: the lease was not renewed");
  }

  // A key for a service further down: the same for every attempt of this key, another for each step.
  std::string DownstreamKey(std::string_view step) const {
    return holdfast::internal::DownstreamKey(key_id_, operation_, step);
  }

  // How far the work got, if it fails or throws from here on: HF_EFFECT_NOT_STARTED, _RETRYABLE or
  // _AMBIGUOUS; HF_EFFECT_DERIVE: by its code. A value returned is always final.
  void SetEffect(hf_effect effect) { session_.SetEffect(effect); }

  Ticket(internal::IdemSession& session, Store& store, boost::asio::thread_pool* pool,
         const uint8_t* key_id, std::string_view operation)
      : session_(session), store_(store), pool_(pool), key_id_(key_id), operation_(operation) {
    const hf_idem_snapshot snapshot = session.snapshot();
    token_ = snapshot.token;
    attempt_ = snapshot.attempt;
  }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

 private:
  internal::IdemSession& session_;
  Store& store_;
  boost::asio::thread_pool* pool_;
  const uint8_t* key_id_;
  std::string_view operation_;  // the call's own copy
  uint64_t token_ = 0;
  uint32_t attempt_ = 0;
};

}  // namespace holdfast::inline v0_4::asio

#endif  // HOLDFAST_ASIO_TICKET_H_
