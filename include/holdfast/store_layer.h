// SPDX-License-Identifier: Apache-2.0
// StoreLayer: a store in front of a store. A layer of your own is one class with two functions:
//
//   Before   the request as it came: answer it here, or change what is passed on
//   After    the reply to what was passed on: learn from it, or change it
//
// The three forms of asking (Execute, Submit, ExecuteMany) and what operators need are written here once, so a
// layer cannot treat them differently. Layers stack; from the caller to the storage:
//
//   MeteredStore -> memory::LocalTier -> sealed::Store -> MeteredStore -> the store
//
// A LocalTier outside a sealed::Store keeps results in the clear in this process and opens each once; inside it
// keeps them sealed and opens them at every hit. The outer MeteredStore sees what callers see, the inner one
// what the storage is asked.
//
// Invariants: a request is passed on at most once, and After runs once for each that was. Of a batch, Before runs
// for all in their order, then After in the same order. Nothing is added to what the store below promises:
// guarantee() and blocks() are its own.
#ifndef HOLDFAST_STORE_LAYER_H_
#define HOLDFAST_STORE_LAYER_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/operable_store.h>
#include <holdfast/status.h>
#include <holdfast/store.h>

#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5 {

// Thread-safe if Before and After are.
class StoreLayer : public OperableStore {
 public:
  StoreLayer(const StoreLayer&) = delete;
  StoreLayer& operator=(const StoreLayer&) = delete;

  StoreReply Execute(const StoreRequest& request, Duration timeout) override {
    Passage passage(request);
    StoreReply reply;
    if (Answered(passage, reply)) return reply;
    reply = next_->Execute(passage.request, timeout);
    After(passage, reply);
    return reply;
  }

  bool Submit(const StoreRequest& request, Duration timeout, StoreWaiter& waiter) override {
    std::unique_ptr<Submitted> submitted(new (std::nothrow) Submitted(*this, request, waiter));
    StoreReply reply;
    if (submitted == nullptr) {
      waiter.OnReply(OutOfMemory());
      return true;
    }
    if (Answered(submitted->passage, reply)) {
      waiter.OnReply(std::move(reply));
      return true;
    }
    // Released first: the reply may come, and delete it, before Submit returns.
    Submitted* const under_way = submitted.release();
    if (next_->Submit(under_way->passage.request, timeout, *under_way)) return true;
    NotPassedOn(under_way->passage);
    delete under_way;
    return false;
  }

  std::vector<StoreReply> ExecuteMany(std::span<const StoreRequest> requests,
                                      Duration timeout) override {
    std::vector<StoreReply> replies(requests.size());
    std::vector<Passage> passages;
    passages.reserve(
        requests.size());  // a passage's bytes must not move: its request points to them
    std::vector<StoreRequest> passed_on;
    std::vector<size_t> places;
    for (size_t i = 0; i < requests.size(); ++i) {
      if (Answered(passages.emplace_back(requests[i]), replies[i])) continue;
      passed_on.push_back(passages[i].request);
      places.push_back(i);
    }
    if (passed_on.empty()) return replies;
    std::vector<StoreReply> theirs = next_->ExecuteMany(passed_on, timeout);
    for (size_t i = 0; i < places.size(); ++i) {
      StoreReply& reply = replies[places[i]];
      reply = i < theirs.size()
                  ? std::move(theirs[i])
                  : StorageReply(HF_STORE_INDETERMINATE, "the store left out a reply");
      After(passages[places[i]], reply);
    }
    return replies;
  }

  Guarantee guarantee() const override { return next_->guarantee(); }
  bool blocks() const override { return next_->blocks(); }

  // Whether the store below is an OperableStore. If not, what follows says UNIMPLEMENTED, and ExecuteAudited
  // UNAVAILABLE.
  bool operable() const { return operable_ != nullptr; }

  absl::StatusOr<ScanPage> Scan(const ScanQuery& query, Duration timeout) override {
    if (!operable()) return NotOperable();
    return operable_->Scan(query, timeout);
  }

  absl::StatusOr<StoredRecord> Find(const KeyId& key_id, Duration timeout) override {
    if (!operable()) return NotOperable();
    return operable_->Find(key_id, timeout);
  }

  StoreReply ExecuteAudited(const StoreRequest& request, const AuditNote& note,
                            Duration timeout) override {
    if (!operable()) return StorageReply(HF_STORE_UNAVAILABLE, kNotOperable);
    Passage passage(request);
    StoreReply reply;
    if (Answered(passage, reply)) return reply;
    reply = operable_->ExecuteAudited(passage.request, note, timeout);
    After(passage, reply);
    return reply;
  }

  absl::StatusOr<std::vector<AuditRow>> Audit(const std::optional<KeyId>& key_id, uint32_t limit,
                                              Duration timeout) override {
    if (!operable()) return NotOperable();
    return operable_->Audit(key_id, limit, timeout);
  }

  absl::StatusOr<uint64_t> Purge(uint32_t limit, Duration timeout) override {
    if (!operable()) return NotOperable();
    return operable_->Purge(limit, timeout);
  }

  absl::StatusOr<StoreInfo> Info(Duration timeout) override {
    if (!operable()) return NotOperable();
    return operable_->Info(timeout);
  }

 protected:
  // One request on its way through a layer. It stays where it is until After.
  struct Passage {
    explicit Passage(const StoreRequest& asked) : request(asked) {}

    StoreRequest request;  // what is passed on
    std::string body;      // room for bytes that request.body points to
    std::string label;     // likewise
    int64_t begun = 0;     // the layer's own
    uint64_t mark = 0;     // the layer's own
  };

  // `next` must not be null.
  explicit StoreLayer(std::shared_ptr<Store> next)
      : next_(std::move(next)), operable_(dynamic_cast<OperableStore*>(next_.get())) {}

  // True: `reply` is the answer, and nothing is passed on. May throw std::bad_alloc, which becomes OVERLOADED.
  virtual bool Before(Passage& passage, StoreReply& reply) = 0;
  // Must not throw.
  virtual void After(const Passage& passage, StoreReply& reply) = 0;

  // In place of After where a Submit found no such form below: the request was never asked. Must not throw.
  virtual void NotPassedOn(const Passage& /*passage*/) {}

  Store& next() const { return *next_; }

 private:
  static constexpr const char* kNotOperable = "the store below this layer is not an OperableStore";

  struct Submitted final : StoreWaiter {
    Submitted(StoreLayer& layer, const StoreRequest& request, StoreWaiter& waiter)
        : passage(request), layer(layer), waiter(waiter) {}

    void OnReply(StoreReply reply) override {
      layer.After(passage, reply);
      StoreWaiter& asker = waiter;
      delete this;  // before the asker hears, who may then take the layer down
      asker.OnReply(std::move(reply));
    }

    Passage passage;
    StoreLayer& layer;
    StoreWaiter& waiter;
  };

  static StoreReply OutOfMemory() {
    StoreReply reply;  // no text: it would need memory
    reply.raw.status = HF_STORE_OVERLOADED;
    return reply;
  }

  static absl::Status NotOperable() { return absl::UnimplementedError(kNotOperable); }

  bool Answered(Passage& passage, StoreReply& reply) {
    try {
      return Before(passage, reply);
    } catch (const std::bad_alloc&) {
      reply = OutOfMemory();
      return true;
    }
  }

  const std::shared_ptr<Store> next_;
  OperableStore* const operable_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_STORE_LAYER_H_
