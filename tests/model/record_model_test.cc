// SPDX-License-Identifier: Apache-2.0
// The transition table against a naive reading of it, under random requests, clocks and tokens.
//
// The reference keeps no record but a story: who owns the key, until when, what came of it. It is
// written from the table in c/record.h, one row after the other, and shares no code with the engine.
#include <gtest/gtest.h>
#include <holdfast/c/record.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "model/dice.h"

namespace holdfast {
namespace {

constexpr hf_duration kUnit = HF_S;

struct Answer {
  hf_store_status status = 0;
  hf_record_state state = HF_RECORD_ABSENT;
  uint64_t token = 0;
  uint32_t attempt = 0;
  hf_duration retry_after = 0;
  std::string body;
  int owner = 0;
  bool changed = false;
  hf_duration expires_in = 0;
};

struct NaiveRecord {
  hf_record_state state = HF_RECORD_ABSENT;
  int print = 0, owner = 0;
  hf_on_expiry word = 0;  // the owner's
  bool asks_first = false;
  uint64_t token = 0, highest_forgotten = 0;
  uint32_t attempt = 0;
  int64_t lease_end = 0, hold_until = 0, forget_at = 0;
  std::string result, note, label;  // note: the last checkpoint

  uint64_t Next(int64_t now) const {
    uint64_t next = static_cast<uint64_t>(now) / 1000;
    if (next <= token) next = token + 1;
    if (next <= highest_forgotten) next = highest_forgotten + 1;
    return next;
  }
  void Forget() {
    if (token > highest_forgotten) highest_forgotten = token;
    const uint64_t mark = highest_forgotten;
    *this = NaiveRecord{};
    highest_forgotten = mark;
  }
  Answer Say(hf_store_status status, hf_duration retry_after = 0) const {
    const bool won = status == HF_STORE_WON || status == HF_STORE_RECONCILE;
    const std::string body = status == HF_STORE_REPLAY ? result : won ? note : std::string();
    return {status, state, token, attempt, retry_after, body, owner};
  }
  Answer Own(const hf_store_request& ask, int64_t now, uint32_t number) {
    token = Next(now);
    state = HF_RECORD_IN_PROGRESS;
    owner = ask.nonce[0];
    word = ask.on_expiry;
    asks_first = false;
    attempt = number;
    lease_end = now + ask.lease;
    label.assign(ask.label.data, ask.label.size);
    return Say(HF_STORE_WON);
  }
  Answer AgainUnlessPoison(const hf_store_request& ask, int64_t now) {
    if (attempt + 1 > ask.max_attempts) {
      state = HF_RECORD_IN_DOUBT;
      return Say(HF_STORE_POISON);
    }
    if (print == 0) print = ask.fingerprint[0];
    const bool unclear = state == HF_RECORD_IN_PROGRESS && word == HF_ON_EXPIRY_RECONCILE;
    Own(ask, now, attempt + 1);
    if (unclear) {
      asks_first = true;
      word = HF_ON_EXPIRY_RECONCILE;
    }
    return Say(unclear ? HF_STORE_RECONCILE : HF_STORE_WON);
  }
  Answer Claim(const hf_store_request& ask, int64_t now) {
    const bool ends = state == HF_RECORD_COMPLETED || state == HF_RECORD_RETRYABLE;
    if (state == HF_RECORD_ABSENT || (ends && forget_at <= now)) {
      result.clear();
      note.clear();
      print = ask.fingerprint[0];
      return Own(ask, now, 1);
    }
    if (print != 0 && ask.fingerprint[0] != 0 && print != ask.fingerprint[0]) {
      return Say(HF_STORE_MISMATCH);
    }
    if (state == HF_RECORD_COMPLETED) {
      Answer answer = Say(HF_STORE_REPLAY);
      answer.expires_in = forget_at - now;
      return answer;
    }
    if (state == HF_RECORD_IN_DOUBT) return Say(HF_STORE_IN_DOUBT);
    if (state == HF_RECORD_RETRYABLE) {
      if (hold_until > now) return Say(HF_STORE_BACKOFF, hold_until - now);
      return AgainUnlessPoison(ask, now);
    }
    if (owner == ask.nonce[0]) return Say(asks_first ? HF_STORE_RECONCILE : HF_STORE_WON);
    if (lease_end > now) return Say(HF_STORE_BUSY, lease_end - now);
    if (word != HF_ON_EXPIRY_IN_DOUBT) return AgainUnlessPoison(ask, now);
    state = HF_RECORD_IN_DOUBT;
    return Say(HF_STORE_IN_DOUBT);
  }
  Answer Read(const hf_store_request& ask, int64_t now) const {
    NaiveRecord copy = *this;
    Answer answer = copy.Claim(ask, now);
    const bool ends = state == HF_RECORD_COMPLETED || state == HF_RECORD_RETRYABLE;
    const bool gone = state == HF_RECORD_ABSENT || (ends && forget_at <= now);
    const bool wins = answer.status == HF_STORE_WON || answer.status == HF_STORE_RECONCILE;
    const bool wins_anew = wins && !(state == HF_RECORD_IN_PROGRESS && owner == ask.nonce[0]);
    const hf_duration expires_in = answer.expires_in;
    answer = Say(wins_anew ? HF_STORE_ABSENT : answer.status, answer.retry_after);
    answer.expires_in = expires_in;
    if (gone) {
      answer.state = HF_RECORD_ABSENT;
      answer.attempt = 0;
      answer.owner = 0;
    }
    return answer;
  }
  Answer Finish(const hf_store_request& ask, int64_t now) {
    state = HF_RECORD_COMPLETED;
    result.assign(ask.body.data, ask.body.size);
    forget_at = now + ask.ttl;
    return Say(HF_STORE_OK);
  }
  Answer Hold(const hf_store_request& ask, int64_t now) {
    state = HF_RECORD_RETRYABLE;
    hold_until = ask.retry_after > 0 ? now + ask.retry_after : 0;
    forget_at = now + (ask.ttl > ask.retry_after ? ask.ttl : ask.retry_after);
    return Say(HF_STORE_OK);
  }
  Answer Drop() {
    const uint64_t last = token;
    Forget();
    Answer answer = Say(HF_STORE_OK);
    answer.token = last;
    answer.changed = true;
    return answer;
  }
  Answer Settle(const hf_store_request& ask, int64_t now) {
    const bool mine = state != HF_RECORD_ABSENT && token == ask.token;
    if (mine && state == HF_RECORD_COMPLETED && ask.verb == HF_STORE_COMPLETE) {
      return Say(HF_STORE_ALREADY);
    }
    if (!mine || state != HF_RECORD_IN_PROGRESS) return Say(HF_STORE_FENCED);
    if (ask.verb == HF_STORE_RENEW) {
      lease_end = now + ask.lease;
      return Say(HF_STORE_OK);
    }
    if (ask.verb == HF_STORE_CHECKPOINT) {
      note.assign(ask.body.data, ask.body.size);
      return Say(HF_STORE_OK);
    }
    if (ask.verb == HF_STORE_COMPLETE) return Finish(ask, now);
    if (ask.verb == HF_STORE_ABANDON) return Drop();
    if (ask.effect == HF_EFFECT_RETRYABLE || word == HF_ON_EXPIRY_TAKEOVER) return Hold(ask, now);
    if (word == HF_ON_EXPIRY_RECONCILE && ask.on_expiry != HF_ON_EXPIRY_IN_DOUBT) {
      lease_end = now + ask.retry_after;
      if (lease_end < 1) lease_end = 1;
      return Say(HF_STORE_OK);
    }
    state = HF_RECORD_IN_DOUBT;
    return Say(HF_STORE_OK);
  }
  Answer Release(const hf_store_request& ask, int64_t now) {
    const bool ends = state == HF_RECORD_COMPLETED || state == HF_RECORD_RETRYABLE;
    if (state == HF_RECORD_ABSENT || (ends && forget_at <= now)) return Say(HF_STORE_ABSENT);
    if (state == HF_RECORD_COMPLETED) note.clear();
    return Force(ask, now);
  }
  Answer Resolve(const hf_store_request& ask, int64_t now) {
    if (state == HF_RECORD_ABSENT) return Say(HF_STORE_ABSENT);
    const bool lapsed =
        state == HF_RECORD_IN_PROGRESS && word == HF_ON_EXPIRY_IN_DOUBT && lease_end <= now;
    if (state != HF_RECORD_IN_DOUBT && !lapsed) return Say(HF_STORE_FENCED);
    return Force(ask, now);
  }
  Answer Force(const hf_store_request& ask, int64_t now) {
    token = Next(now);
    if (ask.effect == HF_EFFECT_FINAL) return Finish(ask, now);
    if (ask.effect == HF_EFFECT_NOT_STARTED) return Drop();
    attempt = 0;
    return Hold(ask, now);
  }
  Answer Apply(const hf_store_request& ask, int64_t now) {
    NaiveRecord before = *this;
    Answer answer = Turn(ask, now);
    // Whatever is granted is written; so is a doubt that nobody wrote down yet.
    const bool doubted = before.state != HF_RECORD_IN_DOUBT && state == HF_RECORD_IN_DOUBT;
    const bool won = answer.status == HF_STORE_WON || answer.status == HF_STORE_RECONCILE;
    const bool granted = answer.status == HF_STORE_OK || (won && token != before.token);
    answer.changed = granted || doubted;
    return answer;
  }
  Answer Turn(const hf_store_request& ask, int64_t now) {
    switch (ask.verb) {
      case HF_STORE_CLAIM:
        return Claim(ask, now);
      case HF_STORE_READ:
        return Read(ask, now);
      case HF_STORE_RESOLVE:
        return Resolve(ask, now);
      case HF_STORE_RELEASE:
        return Release(ask, now);
      default:
        return Settle(ask, now);
    }
  }
};

// The engine's side: a record as a store keeps it.
struct Kept {
  hf_record record{};
  bool present = false;
  std::string body, label;
  uint64_t floor = 0;

  Answer Apply(const hf_store_request& ask, int64_t now) {
    hf_record next{};
    hf_record_change change = 0;
    hf_store_reply reply{};
    EXPECT_EQ(
        hf_record_apply(present ? &record : nullptr, &ask, now, floor, &next, &change, &reply),
        HF_OK);
    Answer answer{
        reply.status,      reply.state,
        reply.token,       reply.attempt,
        reply.retry_after, std::string(reply.body.data ? reply.body.data : "", reply.body.size),
        reply.owner[0],    reply.changed != 0,
        reply.expires_in};
    if (change == HF_RECORD_KEEP) return answer;
    if (change == HF_RECORD_ERASE && next.token > floor) floor = next.token;
    std::string bytes(next.body.data ? next.body.data : "", next.body.size);
    std::string words(next.label.data ? next.label.data : "", next.label.size);
    body = std::move(bytes);
    label = std::move(words);
    record = next;
    record.body = {body.data(), body.size()};
    record.label = {label.data(), label.size()};
    present = change == HF_RECORD_WRITE;
    return answer;
  }
};

hf_store_request RandomRequest(model::Dice& dice, const NaiveRecord& world, std::string& body) {
  static constexpr hf_effect kResolutions[] = {HF_EFFECT_FINAL, HF_EFFECT_RETRYABLE,
                                               HF_EFFECT_NOT_STARTED};
  hf_store_request ask{};
  ask.verb = dice.Chance(45) ? HF_STORE_CLAIM : static_cast<hf_store_verb>(1 + dice.Below(9));
  ask.on_expiry = static_cast<hf_on_expiry>(1 + dice.Below(3));
  ask.nonce[0] = static_cast<uint8_t>(1 + dice.Below(4));
  ask.fingerprint[0] = static_cast<uint8_t>(dice.Chance(85) ? 1 : dice.Below(3));
  ask.token = dice.Chance(80) ? world.token : world.token - 1 + dice.Below(3);
  ask.lease = dice.Between(1, 4) * kUnit;
  ask.ttl = dice.Between(1, 10) * kUnit;
  ask.retry_after = dice.Chance(50) ? 0 : dice.Between(1, 12) * kUnit;
  ask.effect = dice.Chance(50) ? HF_EFFECT_RETRYABLE : HF_EFFECT_AMBIGUOUS;
  if (ask.verb == HF_STORE_RESOLVE) ask.effect = dice.OneOf(kResolutions);
  if (ask.verb == HF_STORE_RELEASE && dice.Chance(50)) ask.effect = HF_EFFECT_NOT_STARTED;
  if (ask.verb == HF_STORE_RELEASE && ask.effect == HF_EFFECT_AMBIGUOUS) {
    ask.effect = HF_EFFECT_RETRYABLE;
  }
  ask.max_attempts = static_cast<uint32_t>(dice.Between(1, 4));
  body = "body " + std::to_string(dice.Below(1000));
  ask.body = {body.data(), body.size()};
  ask.label = {body.data(), dice.Below(body.size() + 1)};
  return ask;
}

TEST(RecordModel, AgreesWithTheNaiveReadingOfTheTable) {
  const uint64_t schedules = model::Schedules(20000);
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    model::Dice dice(seed);
    NaiveRecord naive;
    Kept kept;
    int64_t now = dice.Between(0, 100) * kUnit;
    for (int step = 0; step < 40; ++step) {
      now += dice.Chance(10) ? -dice.Between(0, 20) * kUnit : dice.Between(0, 3) * kUnit;
      if (now < 0) now = 0;
      std::string body;
      const hf_store_request ask = RandomRequest(dice, naive, body);
      const uint64_t before =
          naive.token > naive.highest_forgotten ? naive.token : naive.highest_forgotten;
      const bool again = naive.state == HF_RECORD_IN_PROGRESS && naive.owner == ask.nonce[0];
      const Answer expected = naive.Apply(ask, now), actual = kept.Apply(ask, now);
      ASSERT_EQ(actual.status, expected.status) << "verb " << ask.verb << " step " << step;
      ASSERT_EQ(actual.state, expected.state) << "verb " << ask.verb << " step " << step;
      ASSERT_EQ(actual.token, expected.token) << "verb " << ask.verb << " step " << step;
      ASSERT_EQ(actual.attempt, expected.attempt) << "verb " << ask.verb << " step " << step;
      ASSERT_EQ(actual.retry_after, expected.retry_after) << "verb " << ask.verb;
      ASSERT_EQ(actual.body, expected.body) << "verb " << ask.verb;
      ASSERT_EQ(actual.expires_in, expected.expires_in) << "verb " << ask.verb;
      ASSERT_EQ(actual.owner, expected.owner) << "verb " << ask.verb;
      ASSERT_EQ(actual.changed, expected.changed) << "verb " << ask.verb << " step " << step;
      if (kept.present) {
        ASSERT_EQ(kept.label, naive.label);
      }
      ASSERT_EQ(kept.present, naive.state != HF_RECORD_ABSENT);
      const bool won = actual.status == HF_STORE_WON || actual.status == HF_STORE_RECONCILE;
      if (won && ask.verb == HF_STORE_CLAIM && !again) {
        ASSERT_GT(actual.token, before);
      }
    }
  }
}

}  // namespace
}  // namespace holdfast
