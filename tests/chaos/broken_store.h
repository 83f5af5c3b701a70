// SPDX-License-Identifier: Apache-2.0
// Stores with one mistake, made now and then: what the checker must find. Each is a sound store and a lie about
// every nth occasion for it.
#ifndef HOLDFAST_TESTS_CHAOS_BROKEN_STORE_H_
#define HOLDFAST_TESTS_CHAOS_BROKEN_STORE_H_

#include <holdfast/store.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace holdfast::chaos {

enum class Mistake {
  kNone,
  kDoubleWon,        // a busy key is given to a second owner
  kStaleReplay,      // a result of a generation before this one is replayed
  kLostComplete,     // a completion is acknowledged and not stored
  kTokenReuse,       // a winner is told the token of the winner before it
  kWrongBytes,       // a replayed result has one bit turned
  kLyingUnavailable  // "nothing happened", and it did
};

class BrokenStore final : public Store {
 public:
  BrokenStore(Store& sound, Mistake mistake, uint64_t every)
      : sound_(sound), mistake_(mistake), every_(every) {}

  StoreReply Execute(const StoreRequest& request, Duration timeout) override {
    const std::lock_guard lock(mutex_);
    if (mistake_ == Mistake::kLostComplete && request.verb == HF_STORE_COMPLETE && Now()) {
      return Acknowledged(request);
    }
    StoreReply reply = sound_.Execute(request, timeout);
    switch (mistake_) {
      case Mistake::kDoubleWon:
        if (request.verb == HF_STORE_CLAIM && reply.raw.status == HF_STORE_BUSY && Now()) {
          reply.raw.status = HF_STORE_WON;
          reply.raw.attempt += 1;
          reply.raw.token += 1;
          reply.raw.retry_after = 0;
        }
        break;
      case Mistake::kTokenReuse:
        if (request.verb == HF_STORE_CLAIM && reply.raw.status == HF_STORE_WON) {
          uint64_t& last = tokens_[IdOf(request)];
          const uint64_t own = std::exchange(last, reply.raw.token);
          if (own != 0 && own != reply.raw.token && Now()) reply.raw.token = own;
        }
        break;
      case Mistake::kStaleReplay:
        if (reply.raw.status == HF_STORE_REPLAY) Remember(IdOf(request), &reply);
        break;
      case Mistake::kWrongBytes:
        if (reply.raw.status == HF_STORE_REPLAY && !reply.body->empty() && Now()) {
          std::string bytes = *reply.body;
          bytes[bytes.size() / 2] ^= 1;
          reply.body = std::make_shared<const std::string>(std::move(bytes));
        }
        break;
      case Mistake::kLyingUnavailable:
        if (request.verb == HF_STORE_CLAIM && reply.raw.status == HF_STORE_WON && Now()) {
          return StorageReply(HF_STORE_UNAVAILABLE, "as if nothing had happened");
        }
        break;
      default:
        break;
    }
    return reply;
  }

  Guarantee guarantee() const override { return sound_.guarantee(); }
  bool blocks() const override { return false; }

  uint64_t mistakes() const { return mistakes_; }

 private:
  using Id = std::array<uint8_t, 32>;

  static Id IdOf(const StoreRequest& request) {
    Id id;
    std::memcpy(id.data(), request.key_id, id.size());
    return id;
  }

  bool Now() {
    if (++occasions_ % every_ != 0) return false;
    ++mistakes_;
    return true;
  }

  // Only where the completion would have been taken, or it would be another mistake.
  StoreReply Acknowledged(const StoreRequest& request) {
    StoreRequest renewal = request;
    renewal.verb = HF_STORE_RENEW;
    renewal.lease = HF_S;
    StoreReply reply = sound_.Execute(renewal, Duration{0});
    if (reply.raw.status == HF_STORE_OK) {
      reply.raw.state = HF_RECORD_COMPLETED;
    } else {
      --mistakes_;
    }
    return reply;
  }

  void Remember(const Id& id, StoreReply* reply) {
    auto& [token, old] = results_[id];
    if (token != 0 && token != reply->raw.token && *old.body != *reply->body && Now()) {
      *reply = old;
      return;
    }
    if (token == 0) {
      token = reply->raw.token;
      old = *reply;
    }
  }

  Store& sound_;
  const Mistake mistake_;
  const uint64_t every_;
  std::mutex mutex_;
  uint64_t occasions_ = 0;
  uint64_t mistakes_ = 0;
  std::map<Id, uint64_t> tokens_;
  std::map<Id, std::pair<uint64_t, StoreReply>> results_;
};

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_BROKEN_STORE_H_
