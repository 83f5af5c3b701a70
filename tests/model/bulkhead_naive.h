// SPDX-License-Identifier: Apache-2.0
// The bulkhead as everybody would write it first: nothing packed, nothing shared, nothing clever.
// Reference for bulkhead_model_test.cc.
#ifndef HOLDFAST_TESTS_MODEL_BULKHEAD_NAIVE_H_
#define HOLDFAST_TESTS_MODEL_BULKHEAD_NAIVE_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "engine/bulkhead_policy.h"

namespace holdfast::model {

using engine::BulkheadAnswer;
using engine::BulkheadPolicy;
using engine::BulkheadRequest;

inline constexpr int kPeople = 8;
inline constexpr int kNobody = -1;

class NaiveBulkhead {
 public:
  // Whose permit it is: what it is counted under, if anything.
  struct Permit {
    int partition = kNobody;
    uint64_t user = 0;
    uint32_t in_flight = 0;  // when it was given, itself included
  };
  enum class Is { kAway, kQueued, kWaking, kDecided };
  struct Person {
    Is is = Is::kAway;
    BulkheadAnswer decided = BulkheadAnswer::kNotWaiting;
    bool wakes = false;
    hf_time deadline = 0;
    hf_time since = 0;
    BulkheadRequest request;
    Permit permit;
  };

  explicit NaiveBulkhead(const BulkheadPolicy& policy) : policy(policy) {}

  BulkheadAnswer Acquire(int who, const BulkheadRequest& request, bool wakes, hf_time now) {
    if (who != kNobody) people[who] = Person{};
    retry_after = 0;
    if (now >= request.deadline) return Count(timed_out, BulkheadAnswer::kTimedOut);
    if (request.partition >= std::max(policy.shares.partitions, 1u)) {
      return BulkheadAnswer::kNoPartition;
    }
    const bool free = queue.empty() && in_flight < policy.limit;
    const bool guaranteed = Guaranteed(request.partition);
    const hf_duration latency = policy.refuse_no_time ? Latency() : 0;
    if (!free && !guaranteed) {
      retry_after = latency * static_cast<hf_duration>(queue.size() + 1) / policy.limit;
    }
    const hf_duration own = free || guaranteed ? latency : latency + 2 * Deviation();
    if (latency > 0 && in_flight > 0 && request.deadline != HF_INFINITE &&
        now + retry_after + own > request.deadline) {
      retry_after = std::max<hf_duration>(retry_after, 1);
      return Count(no_time, BulkheadAnswer::kNoTime);
    }
    const uint64_t user = policy.shares.user < engine::kWhole ? request.user : 0;
    if (user != 0 && of_user[user] >= Part(policy.shares.user, policy.limit)) {
      return Count(over_share, BulkheadAnswer::kOverShare);
    }
    if (!guaranteed) {
      const engine::Millionths room = policy.shares.room[request.criticality];
      if (room < engine::kWhole &&
          in_flight + queue.size() >= Part(room, policy.limit + policy.queue)) {
        return Count(over_share, BulkheadAnswer::kOverShare);
      }
      if (!free && (who == kNobody || queue.size() >= policy.queue)) {
        if (policy.shares.partitions > 0) return Count(over_share, BulkheadAnswer::kOverShare);
        return Count(full, BulkheadAnswer::kFull);
      }
      if (!free) {
        people[who].is = Is::kQueued;
        people[who].wakes = wakes;
        people[who].deadline = std::min(request.deadline, now + policy.max_wait);
        people[who].since = now;
        people[who].request = request;
        people[who].permit.user = user;
        ++of_user[user];
        queue.push_back(who);
        return BulkheadAnswer::kQueued;
      }
    }
    ++of_user[user];
    given = Enter(request.partition, user);
    return BulkheadAnswer::kGranted;
  }

  BulkheadAnswer Poll(int who, hf_time now) {
    Person& person = people[who];
    if (person.is == Is::kAway) return BulkheadAnswer::kNotWaiting;
    if (person.is == Is::kWaking) return BulkheadAnswer::kWaking;
    if (person.is == Is::kQueued) {
      if (now < person.deadline) return BulkheadAnswer::kQueued;
      Leave(who);
      person = Person{};
      return Count(timed_out, BulkheadAnswer::kTimedOut);
    }
    const BulkheadAnswer decided = person.decided;
    given = person.permit;
    person = Person{};
    return decided;
  }

  BulkheadAnswer Cancel(int who, hf_time now) {
    const Person person = people[who];
    if (person.is == Is::kWaking) return BulkheadAnswer::kWaking;
    if (person.is == Is::kQueued) Leave(who);
    people[who] = Person{};
    if (person.is == Is::kDecided && person.decided == BulkheadAnswer::kGranted) {
      Return(person.permit, now);
    }
    return BulkheadAnswer::kNotWaiting;
  }

  void Return(const Permit& permit, hf_time now) {
    --in_flight;
    if (permit.partition != kNobody) --of_partition[permit.partition];
    --of_user[permit.user];
    Serve(now);
  }

  void Change(const BulkheadPolicy& to, hf_time now) {
    policy = to;
    Serve(now);
  }

  void Learn(hf_duration took) {
    if (policy.refuse_no_time) samples.push_back(took);
  }

  void WakeDone(int who) { people[who].is = Is::kDecided; }

  hf_duration Latency() const {
    if (samples.size() < 8) return 0;
    hf_duration mean = 0;
    int64_t n = 0;
    for (const hf_duration sample : samples) mean += (sample - mean) / std::min<int64_t>(++n, 8);
    return std::max<hf_duration>(mean, 1);
  }

  hf_duration Deviation() const {
    hf_duration mean = 0, deviation = 0;
    for (size_t i = 0; i < samples.size(); ++i) {
      const auto n = std::min<int64_t>(static_cast<int64_t>(i) + 1, 8);
      if (i > 0) deviation += (std::abs(samples[i] - mean) - deviation) / n;
      mean += (samples[i] - mean) / n;
    }
    return deviation;
  }

  static uint32_t Part(engine::Millionths share, uint64_t whole) {
    if (share == 0) return 0;
    return std::max<uint32_t>(1, static_cast<uint32_t>(whole * share / engine::kWhole));
  }

  BulkheadPolicy policy;
  uint32_t in_flight = 0;
  uint64_t full = 0, timed_out = 0, over_share = 0, no_time = 0, dropped = 0;
  std::array<uint32_t, 8> of_partition{};
  std::array<uint32_t, 8> of_user{};  // few users, whose slots differ; [0] counts for nothing
  std::array<Person, kPeople> people{};
  std::vector<int> queue;    // by arrival
  std::vector<int> to_wake;  // by this step
  Permit given;              // by this step
  hf_duration retry_after = 0;
  bool overloaded = false;

 private:
  static BulkheadAnswer Count(uint64_t& counter, BulkheadAnswer answer) {
    ++counter;
    return answer;
  }

  bool Guaranteed(uint32_t partition) const {
    return partition < policy.shares.partitions &&
           of_partition[partition] < Part(policy.shares.guarantee[partition], policy.limit);
  }

  Permit Enter(uint32_t partition, uint64_t user) {
    ++in_flight;
    Permit permit{kNobody, user, in_flight};
    if (policy.shares.partitions > 0) {
      permit.partition = static_cast<int>(partition);
      ++of_partition[partition];
    }
    return permit;
  }

  void Leave(int who) {
    std::erase(queue, who);
    --of_user[people[who].permit.user];
  }

  void Serve(hf_time now) {
    for (;;) {
      int next = NextGuaranteed();
      if (next == kNobody) {
        if (queue.empty() || in_flight >= policy.limit) return;
        if (policy.Watches() && Stands(now - people[queue.front()].since, now)) {
          Decide(queue.front(), Count(dropped, BulkheadAnswer::kOverloaded));
          continue;
        }
        next = Best([](const Person&) { return true; });
      }
      if (now >= people[next].deadline) {
        Decide(next, Count(timed_out, BulkheadAnswer::kTimedOut));
        continue;
      }
      Person& person = people[next];
      ++of_user[person.permit.user];  // Decide takes it off the queue
      person.permit = Enter(person.request.partition, person.permit.user);
      Decide(next, BulkheadAnswer::kGranted);
    }
  }

  int NextGuaranteed() const {
    for (uint32_t i = 0; i < policy.shares.partitions; ++i) {
      if (!Guaranteed(i)) continue;
      const int who = Best([&](const Person& person) { return person.request.partition == i; });
      if (who != kNobody) return who;
    }
    return kNobody;
  }

  // The most critical; of these the first to come, or the last.
  template <typename Eligible>
  int Best(const Eligible& eligible) const {
    const bool newest = policy.Turns() && overloaded;
    int best = kNobody;
    for (const int who : queue) {
      if (!eligible(people[who])) continue;
      const auto rank = [&](int of) { return people[of].request.criticality; };
      if (best == kNobody || rank(who) < rank(best) || (newest && rank(who) == rank(best))) {
        best = who;
      }
    }
    return best;
  }

  void Decide(int who, BulkheadAnswer answer) {
    Leave(who);
    people[who].decided = answer;
    people[who].is = people[who].wakes ? Is::kWaking : Is::kDecided;
    if (people[who].wakes) to_wake.push_back(who);
  }

  // CoDel with all the samples of its interval at hand. True: drop the oldest.
  bool Stands(hf_duration age, hf_time now) {
    age = std::max<hf_duration>(age, 0);
    const hf_time end = interval_end_;
    if (now > end) {
      const bool forgotten = now - end > policy.codel.interval;
      const auto smallest = std::min_element(ages_.begin(), ages_.end());
      overloaded = !forgotten && smallest != ages_.end() && *smallest > policy.codel.target;
      ages_.assign(1, age);
      interval_end_ = now + policy.codel.interval;
      return false;
    }
    ages_.push_back(age);
    return overloaded && policy.Drops() && age > 2 * policy.codel.target;
  }

  std::vector<hf_duration> samples;
  std::vector<hf_duration> ages_;
  hf_time interval_end_ = -1;
};

}  // namespace holdfast::model

#endif  // HOLDFAST_TESTS_MODEL_BULKHEAD_NAIVE_H_
