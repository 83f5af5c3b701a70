// SPDX-License-Identifier: Apache-2.0
// See requests.h.
#include "adapters/redis/requests.h"

#include <array>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include "adapters/redis/operation.h"

namespace holdfast::inline v0_5::redis {
namespace {

using std::chrono::steady_clock;

StoreReply NotAccepted(Connection::Accepted accepted) {
  if (accepted == Connection::Accepted::kOverloaded) {
    return StorageReply(HF_STORE_OVERLOADED, "too many requests wait for the server");
  }
  return StorageReply(HF_STORE_UNAVAILABLE, "the store is closing");
}

StoreReply NoMemory() {
  StoreReply reply;
  reply.raw.status = HF_STORE_OVERLOADED;
  return reply;
}

// Opens once.
class Latch {
 public:
  explicit Latch(size_t count) : left_(count) {}
  void Down() {
    // Notified under the lock: the waiter may destroy this object as soon as it sees the count.
    const std::lock_guard lock(mutex_);
    if (--left_ == 0) open_.notify_one();
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    open_.wait(lock, [this] { return left_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable open_;
  size_t left_;
};

class Blocking final : public OperationEnd {
 public:
  void OnEnd(Operation&, StoreReply reply) override {
    reply_ = std::move(reply);
    latch_.Down();
  }
  StoreReply Wait() {
    latch_.Wait();
    return std::move(reply_);
  }

 private:
  Latch latch_{1};
  StoreReply reply_;
};

class Asked final : public Exchange {
 public:
  void OnReply(Reply reply, int) override {
    answer = std::move(reply);
    latch->Down();
  }
  void OnLost(const Loss& how) override {
    loss = how;
    latch->Down();
  }

  Reply answer;
  Loss loss;
  Latch* latch = nullptr;
};

}  // namespace

// One request whose caller does not wait.
class Requests::Waiting final : public OperationEnd {
 public:
  Waiting(Core& core, const StoreRequest& request, SteadyTime until, StoreWaiter& waiter)
      : operation(core, request, until, *this), waiter_(waiter) {}
  void OnEnd(Operation&, StoreReply reply) override {
    StoreWaiter& waiter = waiter_;
    delete this;
    waiter.OnReply(std::move(reply));
  }

  Operation operation;

 private:
  StoreWaiter& waiter_;
};

// Requests of one key run one after another, those of different keys side by side.
class Requests::Batch final : public OperationEnd {
  struct Member final : Operation {
    using Operation::Operation;
    size_t index = 0;
  };

 public:
  Batch(Core& core, std::span<const StoreRequest> requests, SteadyTime until)
      : core_(core),
        replies_(requests.size()),
        next_(requests.size(), kNone),
        latch_(requests.size()) {
    std::map<std::array<uint8_t, sizeof(requests[0].key_id)>, size_t> last;
    for (size_t i = 0; i < requests.size(); ++i) {
      operations_.emplace_back(core, requests[i], until, *this).index = i;
      std::array<uint8_t, sizeof(requests[i].key_id)> key;
      std::memcpy(key.data(), requests[i].key_id, key.size());
      const auto [before, first] = last.try_emplace(key, i);
      if (first) {
        heads_.push_back(i);
      } else {
        next_[std::exchange(before->second, i)] = i;
      }
    }
  }

  // Makes the first commands. May run out of memory, and then nothing has been asked.
  void Prepare() {
    for (const size_t head : heads_) {
      const size_t ready = FirstToAsk(head);
      if (ready == kNone) continue;
      asked_.push_back(ready);
      exchanges_.push_back(&operations_[ready]);
      keys_.push_back(operations_[ready].request().key_id);
    }
    accepted_.resize(asked_.size());
  }

  std::vector<StoreReply> Run() {
    core_.carrier->SendAll(exchanges_, keys_, accepted_);
    for (size_t i = 0; i < asked_.size(); ++i) {
      if (accepted_[i] != Connection::Accepted::kYes) Refuse(asked_[i], accepted_[i]);
    }
    latch_.Wait();
    return std::move(replies_);
  }

  // On the io thread: others of the batch may end at the same time, but never those of the same key.
  void OnEnd(Operation& operation, StoreReply reply) override {
    const size_t index = static_cast<Member&>(operation).index;
    const size_t next = next_[index];
    replies_[index] = std::move(reply);
    const size_t ready = next == kNone ? kNone : FirstToAsk(next);
    if (ready != kNone) {
      core_.carrier->Continue(operations_[ready], operations_[ready].request().key_id);
    }
    latch_.Down();  // of this one; the batch may be gone now
  }

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  // Answers what needs no command, down the chain.
  size_t FirstToAsk(size_t index) {
    while (index != kNone && !operations_[index].Prepare()) {
      const size_t next = next_[index];
      replies_[index] = operations_[index].TakeAnswer();
      latch_.Down();
      index = next;
    }
    return index;
  }

  void Refuse(size_t index, Connection::Accepted accepted) {
    while (index != kNone) {
      const size_t next = next_[index];
      replies_[index] = NotAccepted(accepted);
      latch_.Down();
      index = next;
    }
  }

  Core& core_;
  std::deque<Member> operations_;
  std::vector<StoreReply> replies_;
  std::vector<size_t> next_;
  std::vector<size_t> heads_;
  std::vector<size_t> asked_;
  std::vector<Exchange*> exchanges_;
  std::vector<const uint8_t*> keys_;
  std::vector<Connection::Accepted> accepted_;
  Latch latch_;
};

SteadyTime Requests::Until(Duration timeout) const {
  if (timeout.count() <= 0) timeout = core_.options.default_timeout;
  const SteadyTime now = steady_clock::now();
  return timeout > SteadyTime::max() - now ? SteadyTime::max() : now + timeout;
}

StoreReply Requests::Refusal() const {
  if (core_.carrier->OnIoThread()) {
    return StorageReply(HF_STORE_UNAVAILABLE,
                        "called from an answer of this store, it would wait for itself");
  }
  if (const char* why = core_.carrier->Refusal()) return StorageReply(HF_STORE_UNAVAILABLE, why);
  return {};
}

StoreReply Requests::Execute(const StoreRequest& request, Duration timeout, const AuditNote* note,
                             bool only_into_doubt) {
  Count(core_.counters.requests);
  try {
    if (StoreReply refusal = Refusal(); refusal.raw.status != 0) return refusal;
    Blocking end;
    Operation operation(core_, request, Until(timeout), end);
    if (note != nullptr) operation.Audit(*note);
    if (only_into_doubt) operation.OnlyIntoDoubt();
    if (!operation.Prepare()) return operation.TakeAnswer();
    const auto accepted = core_.carrier->Send(operation, request.key_id);
    if (accepted != Connection::Accepted::kYes) return NotAccepted(accepted);
    return end.Wait();
  } catch (const std::bad_alloc&) {
    return NoMemory();
  }
}

void Requests::Submit(const StoreRequest& request, Duration timeout, StoreWaiter& waiter) {
  Count(core_.counters.requests);
  StoreReply refused;
  try {
    if (const char* why = core_.carrier->Refusal()) {
      refused = StorageReply(HF_STORE_UNAVAILABLE, why);
    } else {
      auto waiting = std::make_unique<Waiting>(core_, request, Until(timeout), waiter);
      if (!waiting->operation.Prepare()) {
        refused = waiting->operation.TakeAnswer();
      } else {
        const auto accepted = core_.carrier->Send(waiting->operation, request.key_id);
        if (accepted == Connection::Accepted::kYes) return static_cast<void>(waiting.release());
        refused = NotAccepted(accepted);
      }
    }
  } catch (const std::bad_alloc&) {
    refused = NoMemory();
  }
  waiter.OnReply(std::move(refused));
}

std::vector<StoreReply> Requests::ExecuteMany(std::span<const StoreRequest> requests,
                                              Duration timeout) {
  core_.counters.requests.fetch_add(requests.size(), std::memory_order_relaxed);
  if (requests.empty()) return {};
  if (StoreReply refusal = Refusal(); refusal.raw.status != 0) {
    return std::vector<StoreReply>(requests.size(), refusal);
  }
  std::unique_ptr<Batch> batch;
  try {
    batch = std::make_unique<Batch>(core_, requests, Until(timeout));
    batch->Prepare();
  } catch (const std::bad_alloc&) {
    return std::vector<StoreReply>(requests.size(), NoMemory());
  }
  return batch->Run();
}

absl::StatusOr<std::vector<Reply>> AskAll(Connection& connection, std::vector<Wire> wires,
                                          SteadyTime until) {
  if (wires.empty()) return std::vector<Reply>();
  Latch latch(wires.size());
  std::deque<Asked> asked(wires.size());
  std::vector<Exchange*> exchanges;
  for (size_t i = 0; i < wires.size(); ++i) {
    asked[i].wire = std::move(wires[i]);
    asked[i].deadline = until;
    asked[i].latch = &latch;
    exchanges.push_back(&asked[i]);
  }
  if (const auto accepted = connection.Submit(exchanges); accepted != Connection::Accepted::kYes) {
    const StoreReply refused = NotAccepted(accepted);
    return ToStatus(refused.raw.status, refused.detail);
  }
  latch.Wait();
  std::vector<Reply> replies;
  for (Asked& one : asked) {
    if (one.answer == nullptr) {
      return ToStatus(one.loss.sent ? HF_STORE_INDETERMINATE : HF_STORE_UNAVAILABLE, one.loss.why);
    }
    replies.push_back(std::move(one.answer));
  }
  return replies;
}

}  // namespace holdfast::inline v0_5::redis
