// SPDX-License-Identifier: Apache-2.0
// A small world for run-once: one key, one store, several workers, and a network that loses, delays and
// repeats. Everything that happens is judged while it happens.
//
// The laws, whatever the schedule:
//   L1  a generation of the key (from absent to forgotten) has at most one completed result
//   L2  a replay is that result, byte for byte
//   L3  tokens rise with every win
//   L4  nobody wins while another's lease is live
//   L5  careful work (IN_DOUBT, RECONCILE) has its effect at most once per generation, and it is not forgotten
//   L6  a worker that is told UNAVAILABLE has not run; `ran` is the truth
//   L7  a worker that is told OK finds its own bytes in the store
//   L8  as long as the store's clock does not jump ahead, whoever may still run holds the record
//   L9  a winner is given the last checkpoint of its generation, and no session forgets one
#ifndef HOLDFAST_TESTS_MODEL_IDEM_WORLD_H_
#define HOLDFAST_TESTS_MODEL_IDEM_WORLD_H_

#include <gtest/gtest.h>
#include <holdfast/c/idempotency.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/dice.h"

namespace holdfast::model {

// The store and its laws (L1..L4).
class WorldStore {
 public:
  int64_t clock_offset = 0;
  bool careful = false;
  uint64_t acted_in = 0;  // the generation of the last effect; 0: none yet

  int64_t Now(hf_time now) const { return now + clock_offset; }
  const hf_record* record() const { return present_ ? &record_ : nullptr; }
  uint64_t generation() const { return generation_; }
  bool Holds(uint64_t token, hf_time now) const {
    return present_ && record_.state == HF_RECORD_IN_PROGRESS && record_.token == token &&
           record_.lease_until > Now(now);
  }

  hf_store_reply Apply(const hf_store_request& request, hf_time now) {
    const hf_record before = present_ ? record_ : hf_record{};
    hf_record next{};
    hf_record_change change = 0;
    hf_store_reply reply{};
    const hf_code code = hf_record_apply(present_ ? &record_ : nullptr, &request, Now(now), floor_,
                                         &next, &change, &reply);
    EXPECT_EQ(code, HF_OK);
    if (reply.status == HF_STORE_REPLAY) {
      EXPECT_EQ(std::string(reply.body.data, reply.body.size), result_) << "L2";
      replayed_ = result_;  // the reply's bytes outlive what the record may become
      reply.body = {replayed_.data(), replayed_.size()};
    }
    const bool won = reply.status == HF_STORE_WON || reply.status == HF_STORE_RECONCILE;
    if (won && change == HF_RECORD_WRITE) {
      EXPECT_GT(reply.token, highest_) << "L3";
      EXPECT_FALSE(before.state == HF_RECORD_IN_PROGRESS && before.lease_until > Now(now)) << "L4";
      highest_ = reply.token;
      if (reply.attempt == 1) {
        ++generation_;
        checkpoint_.clear();
      }
    }
    if (won) {
      EXPECT_EQ(std::string_view(reply.body.data, reply.body.size), checkpoint_) << "L9";
      given_ = checkpoint_;
      reply.body = {given_.data(), given_.size()};
    }
    if (request.verb == HF_STORE_CHECKPOINT && reply.status == HF_STORE_OK) {
      checkpoint_.assign(request.body.data, request.body.size);
    }
    if (change != HF_RECORD_KEEP) Keep(before, next, change);
    return reply;
  }

 private:
  void Keep(const hf_record& before, const hf_record& next, hf_record_change change) {
    if (next.state == HF_RECORD_COMPLETED) {
      EXPECT_NE(before.state, HF_RECORD_COMPLETED) << "L1";
      result_.assign(next.body.data, next.body.size);
    }
    if (change == HF_RECORD_ERASE) {
      floor_ = std::max(floor_, next.token);
      if (careful) {
        EXPECT_NE(acted_in, generation_) << "L5: the effect is forgotten";
      }
      EXPECT_EQ(checkpoint_, "") << "L9: the checkpoint is forgotten";
    }
    present_ = change == HF_RECORD_WRITE;
    std::string body(next.body.data == nullptr ? "" : next.body.data, next.body.size);
    body_ = std::move(body);
    record_ = next;
    record_.body = {body_.data(), body_.size()};
  }

  hf_record record_{};
  bool present_ = false;
  uint64_t floor_ = 0, highest_ = 0, generation_ = 0;
  std::string body_, result_, replayed_, checkpoint_, given_;
};

struct Letter {
  hf_store_request request;
  std::string body;
};

// A worker between two sessions, in one, or gone with its process.
struct Worker {
  hf_idem idem{};
  hf_action action{};
  bool busy = false;
  bool acted = false;    // the effect happened in this session
  bool settled = false;  // the result was given to the session
  bool found = false;    // ... by its reconciler
  hf_code code = HF_OK;
  hf_effect effect = HF_EFFECT_FINAL;
  std::string body;

  hf_idem_snapshot Snapshot() const {
    hf_idem_snapshot snapshot{};
    snapshot.struct_size = sizeof(snapshot);
    EXPECT_EQ(hf_idem_read(&idem, &snapshot), HF_OK);
    return snapshot;
  }
};

class World {
 public:
  static constexpr hf_duration kLease = 10 * HF_S;

  World(uint64_t seed, hf_on_expiry on_expiry, bool jumps_ahead)
      : dice_(seed), on_expiry_(on_expiry), jumps_ahead_(jumps_ahead) {
    store_.careful = on_expiry != HF_ON_EXPIRY_TAKEOVER;
  }

  void Step() {
    PassTime();
    if (dice_.Chance(10)) DeliverLate();
    Worker& worker = workers_[dice_.Below(workers_.size())];
    if (!worker.busy) return Begin(worker);
    switch (worker.action.kind) {
      case HF_DO_STORE:
        return Ask(worker);
      case HF_DO_SLEEP:
        if (dice_.Chance(70)) now_ = std::max(now_, worker.action.until);
        Wake(worker);
        return Look(worker);
      case HF_DO_RECONCILE:
        return Reconcile(worker);
      default:
        return Work(worker);
    }
  }

  // A network that works again: every session ends, and soon.
  void Quiesce() {
    late_.clear();
    calm_ = true;
    for (Worker& worker : workers_) {
      for (int step = 0; worker.busy; ++step) {
        ASSERT_LT(step, 500) << "a session without an end";
        if (worker.action.kind == HF_DO_STORE) {
          Ask(worker);
        } else if (worker.action.kind == HF_DO_SLEEP) {
          now_ = std::max(now_, worker.action.until);
          ASSERT_EQ(hf_idem_on_time(&worker.idem, now_, &worker.action), HF_OK);
          Look(worker);
        } else if (worker.action.kind == HF_DO_RECONCILE) {
          Find(worker);
        } else {
          Result(worker);
        }
      }
    }
  }

  uint64_t finished() const { return finished_; }

 private:
  void PassTime() {
    if (dice_.Chance(60)) now_ += dice_.Between(0, 500) * HF_MS;
    if (dice_.Chance(6)) now_ += dice_.Between(1, 15) * HF_S;
    if (dice_.Chance(3)) store_.clock_offset -= dice_.Between(0, 20) * HF_S;
    if (jumps_ahead_ && dice_.Chance(3)) store_.clock_offset += dice_.Between(0, 20) * HF_S;
    if (store_.Now(now_) < 0) store_.clock_offset = 0;
  }

  void Begin(Worker& worker) {
    worker = Worker{};
    hf_idem_options options = HF_INIT(hf_idem_options);
    options.key_id[0] = 1;
    options.fingerprint[0] = 1;
    for (int i = 0; i < 8; ++i) options.nonce[i] = static_cast<uint8_t>(++nonces_ >> (8 * i));
    options.seed = 1 + dice_.Below(1000);
    options.lease = kLease;
    options.ttl = dice_.Chance(80) ? 3600 * HF_S : kLease;
    options.on_expiry = on_expiry_;
    options.max_attempts = static_cast<uint32_t>(dice_.Between(2, 10));
    options.max_wait = dice_.Chance(50) ? 0 : dice_.Between(1, 20) * HF_S;
    if (dice_.Chance(40)) options.deadline = now_ + dice_.Between(1, 20) * HF_S;
    ASSERT_EQ(hf_idem_start(&worker.idem, &options, now_, &worker.action), HF_OK);
    worker.busy = true;
    Look(worker);
  }

  void Ask(Worker& worker) {
    hf_store_request request{};
    ASSERT_EQ(hf_idem_request(&worker.idem, &request), HF_OK);
    hf_store_reply reply{};
    reply.status = HF_STORE_INDETERMINATE;
    const uint64_t fate = calm_ ? 99 : dice_.Below(100);
    if (fate < 8) {  // the request is lost, or only late
      if (dice_.Chance(50)) Post(request);
    } else if (fate < 16) {  // the reply is lost
      store_.Apply(request, now_);
    } else if (fate < 22) {
      reply.status = dice_.Chance(50) ? HF_STORE_UNAVAILABLE : HF_STORE_LOCKED;
    } else {
      reply = store_.Apply(request, now_);
      if (!calm_ && dice_.Chance(10)) now_ += dice_.Between(1, 12) * HF_S;  // the way back is long
    }
    ASSERT_EQ(hf_idem_on_reply(&worker.idem, &reply, now_, &worker.action), HF_OK);
    Look(worker);
  }

  void Wake(Worker& worker) {
    if (dice_.Chance(20)) {
      EXPECT_EQ(hf_idem_on_wake(&worker.idem, now_, &worker.action), HF_OK);
    } else {
      EXPECT_EQ(hf_idem_on_time(&worker.idem, now_, &worker.action), HF_OK);
    }
  }

  void Post(const hf_store_request& request) {
    late_.push_back(
        {request, std::string(request.body.data ? request.body.data : "", request.body.size)});
  }

  void DeliverLate() {
    if (late_.empty()) return;
    const size_t at = dice_.Below(late_.size());
    Letter letter = late_[at];
    late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(at));
    letter.request.body = {letter.body.data(), letter.body.size()};
    store_.Apply(letter.request, now_);
  }

  void Work(Worker& worker) {
    const uint64_t what = dice_.Below(100);
    if (what < 8) return Crash(worker);
    if (what < 14) return Abort(worker);
    if (what < 30) return Renew(worker);
    if (what < 40) return Checkpoint(worker);
    if (what < 65) return Act(worker);
    if (what < 90) return Result(worker);
  }

  void Reconcile(Worker& worker) {
    const uint64_t what = dice_.Below(100);
    if (what < 8) return Crash(worker);
    if (what < 14) return Abort(worker);
    if (what < 30) return Renew(worker);
    if (what < 40) return Checkpoint(worker);
    if (what < 90) return Find(worker);
  }

  // A reconciler that looks at the truth, or cannot.
  void Find(Worker& worker) {
    const bool happened = store_.acted_in == store_.generation();
    const uint64_t luck = dice_.Below(100);
    worker.effect = luck < 10   ? HF_EFFECT_AMBIGUOUS
                    : luck < 30 ? HF_EFFECT_RETRYABLE
                    : happened  ? HF_EFFECT_FINAL
                                : HF_EFFECT_NOT_STARTED;
    // Whoever looks when its time is up may see what its successor did.
    if (now_ >= worker.Snapshot().lease_until) worker.effect = HF_EFFECT_RETRYABLE;
    worker.code = worker.effect == HF_EFFECT_FINAL ? HF_OK : HF_ABORTED;
    worker.body = "found " + std::to_string(++results_);
    worker.settled = worker.found = worker.effect != HF_EFFECT_NOT_STARTED;
    hf_outcome outcome{};
    outcome.code = worker.code;
    outcome.effect = worker.effect;
    outcome.retry_after = dice_.Chance(50) ? 0 : HF_S;
    ASSERT_EQ(hf_idem_on_reconciled(&worker.idem, &outcome, worker.body.data(), worker.body.size(),
                                    now_, &worker.action),
              HF_OK);
    Look(worker);
  }

  void Checkpoint(Worker& worker) {
    const std::string note = "note " + std::to_string(++notes_);
    hf_store_request request{};
    if (hf_idem_checkpoint(&worker.idem, note.data(), note.size(), now_, &request) != HF_OK) return;
    hf_store_reply reply{};
    reply.status = HF_STORE_INDETERMINATE;
    if (dice_.Chance(70)) {
      reply = store_.Apply(request, now_);
    } else if (dice_.Chance(50)) {
      Post(request);
    } else if (dice_.Chance(50)) {
      reply.status = HF_STORE_OVERLOADED;
    }
    const hf_code code = hf_idem_on_checkpointed(&worker.idem, &reply, now_);
    EXPECT_TRUE(code == HF_OK || code == HF_ABORTED || code == HF_UNKNOWN ||
                code == HF_RESOURCE_EXHAUSTED);
  }

  // The effect, by a worker that looks at its clock first.
  void Act(Worker& worker) {
    const hf_idem_snapshot snapshot = worker.Snapshot();
    if (worker.acted || now_ >= snapshot.lease_until) return;
    if (!jumps_ahead_) {
      EXPECT_TRUE(store_.Holds(snapshot.token, now_)) << "L8";
    }
    worker.acted = true;
    if (store_.careful) {
      EXPECT_NE(store_.acted_in, store_.generation()) << "L5";
    }
    store_.acted_in = store_.generation();
  }

  void Result(Worker& worker) {
    if (worker.acted) {
      worker.effect = dice_.Chance(80) ? HF_EFFECT_FINAL : HF_EFFECT_AMBIGUOUS;
    } else {
      worker.effect = dice_.Chance(50) ? HF_EFFECT_RETRYABLE : HF_EFFECT_NOT_STARTED;
    }
    worker.code = worker.effect == HF_EFFECT_FINAL ? HF_OK : HF_UNAVAILABLE;
    worker.body = "result " + std::to_string(++results_);
    worker.settled = true;
    hf_outcome outcome{};
    outcome.code = worker.code;
    outcome.effect = worker.effect;
    outcome.retry_after = dice_.Chance(50) ? 0 : HF_S;
    ASSERT_EQ(hf_idem_on_result(&worker.idem, &outcome, worker.body.data(), worker.body.size(),
                                now_, &worker.action),
              HF_OK);
  }

  void Renew(Worker& worker) {
    hf_store_request request{};
    if (hf_idem_renew(&worker.idem, now_, &request) != HF_OK) return;
    hf_store_reply reply{};
    reply.status = HF_STORE_INDETERMINATE;
    if (dice_.Chance(80)) {
      reply = store_.Apply(request, now_);
    } else if (dice_.Chance(50)) {
      Post(request);
    }
    now_ += dice_.Between(0, 3) * HF_S;
    hf_time until = 0;
    const hf_code code = hf_idem_on_renewed(&worker.idem, &reply, now_, &until);
    EXPECT_TRUE(code == HF_OK || code == HF_ABORTED || code == HF_UNKNOWN);
  }

  void Crash(Worker& worker) { worker = Worker{}; }

  void Abort(Worker& worker) {
    hf_store_request request{};
    if (hf_idem_abort(&worker.idem, now_, &request) == 1 && dice_.Chance(70)) {
      store_.Apply(request, now_);
    }
    worker = Worker{};
  }

  // After each step: is this the end, and is it told truly?
  void Look(Worker& worker) {
    if (worker.action.kind == HF_DO_RUN || worker.action.kind == HF_DO_RECONCILE) {
      EXPECT_LT(now_, worker.action.until);
      if (!jumps_ahead_) {
        EXPECT_TRUE(store_.Holds(worker.Snapshot().token, now_)) << "L8";
      }
    }
    if (worker.action.kind != HF_DO_FINISH) return;
    const hf_idem_snapshot snapshot = worker.Snapshot();
    const bool ran = worker.settled && !worker.found && worker.effect != HF_EFFECT_NOT_STARTED;
    EXPECT_EQ(snapshot.ran != 0, ran) << "L6";
    EXPECT_TRUE(worker.settled || !worker.acted) << "L6";
    if (worker.action.code == HF_OK && snapshot.replayed == 0) ExpectStored(worker);
    worker.busy = false;
    ++finished_;
  }

  void ExpectStored(const Worker& worker) {
    EXPECT_TRUE(worker.settled) << "L7";
    const hf_record* record = store_.record();
    ASSERT_NE(record, nullptr) << "L7";
    if (record->state != HF_RECORD_COMPLETED) return;  // forgotten since, and claimed anew
    if (record->token != worker.Snapshot().token) return;
    EXPECT_EQ(std::string(record->body.data, record->body.size), worker.body) << "L7";
  }

  Dice dice_;
  hf_on_expiry on_expiry_;
  bool jumps_ahead_;
  bool calm_ = false;
  hf_time now_ = 1000 * HF_S;
  WorldStore store_;
  std::array<Worker, 4> workers_;
  std::vector<Letter> late_;
  uint64_t nonces_ = 0, results_ = 0, notes_ = 0, finished_ = 0;
};

}  // namespace holdfast::model

#endif  // HOLDFAST_TESTS_MODEL_IDEM_WORLD_H_
