// SPDX-License-Identifier: Apache-2.0
// Store: where idempotency records live. A store of your own is one class with two functions.
//
// Execute runs one request against one record in one atomic step, by the table of c/record.h: find the
// record, hf_record_apply, write what it says. What the table cannot know is how the storage itself
// fared, and there two answers must never be mixed up:
//   HF_STORE_UNAVAILABLE    nothing happened (not sent, refused, rolled back)
//   HF_STORE_INDETERMINATE  it may have happened (sent, and no answer)
#ifndef HOLDFAST_STORE_H_
#define HOLDFAST_STORE_H_

#include <holdfast/c/record.h>
#include <holdfast/status.h>

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5 {

// One request. Key id, fingerprint, nonce, token and body as in c/record.h; body is borrowed.
using StoreRequest = hf_store_request;

// One answer. `body` owns what raw.body points to, and may be shared with the store: replaying a stored
// result copies nothing. Never null with HF_STORE_REPLAY; null or a checkpoint with WON and RECONCILE.
struct StoreReply {
  hf_store_reply raw{};
  std::shared_ptr<const std::string> body;
  std::string detail;  // for people, where the storage failed; never a key, never a body
};

// What a duplicate can be promised, and why not more.
enum class GuaranteeLevel {
  kProcess = 0,     // G0: lost with the process
  kDurable = 1,     // G1: on disk before the answer, one machine
  kReplicated = 2,  // G2: replicated as best it can; a failover may forget a claim
  kJoined = 3,      // G3: effect and record in one transaction: exactly once in that database
};

struct Guarantee {
  GuaranteeLevel level = GuaranteeLevel::kProcess;
  std::string why;
};

// Who waits for an answer of Store::Submit. It must live until then.
class StoreWaiter {
 public:
  // Called once, on a thread of the store's own or inside Submit. It holds up other requests: hand over, do
  // not work, do not block. Must not throw.
  virtual void OnReply(StoreReply reply) = 0;

 protected:
  ~StoreWaiter() = default;
};

// Thread-safe: every function is called from any thread, many at once.
class Store {
 public:
  virtual ~Store() = default;

  // Blocks until answered; bounds its own waiting by `timeout` (0: the store's own default). Never
  // throws; a failure is a status of the reply.
  virtual StoreReply Execute(const StoreRequest& request, Duration timeout) = 0;

  // Constant over the store's life.
  virtual Guarantee guarantee() const = 0;

  // False: Execute waits for nobody, and an asynchronous driver may call it where it is.
  virtual bool blocks() const { return true; }

  // Execute without waiting: true, and `waiter` hears the answer. False, and it never will: this store has no
  // such form. What `request` points to must live until the answer. There is no taking back: a request under
  // way may already have happened.
  virtual bool Submit(const StoreRequest& /*request*/, Duration /*timeout*/,
                      StoreWaiter& /*waiter*/) {
    return false;
  }

  // Many requests with one fsync, round trip or replication wait where the storage can: one reply each, in
  // their order, as if executed one after another in some order; those of one key in theirs. Never all or nothing.
  virtual std::vector<StoreReply> ExecuteMany(std::span<const StoreRequest> requests,
                                              Duration timeout) {
    std::vector<StoreReply> replies;
    replies.reserve(requests.size());
    for (const StoreRequest& request : requests) replies.push_back(Execute(request, timeout));
    return replies;
  }
};

// A reply that the storage itself gives: one of HF_STORE_UNAVAILABLE and above.
inline StoreReply StorageReply(hf_store_status status, std::string detail) {
  StoreReply reply;
  reply.raw.status = status;
  reply.detail = std::move(detail);
  return reply;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_STORE_H_
