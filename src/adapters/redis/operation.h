// SPDX-License-Identifier: Apache-2.0
// Operation: one request, from its first command to its answer.
//
//   phase      command           reply                              next
//   EXPRESS    SET NX GET PX     nil: nothing was there             WON
//                                a record, and the table's answer   that answer
//                                to it rests on no time, nor on an
//                                end nearer than token_memory
//                                any other record                   READ
//                                no writing now (OOM, NOREPLICAS,   READ, and UNAVAILABLE if the answer
//                                MISCONF)                           would need a write
//   SETTLE     kSettle, kErase   written                            OK
//                                the record, TIME, PEXPIRETIME      decide
//   READ       kRead             the record, TIME, PEXPIRETIME      decide
//   decide     (the table)       keep                               its answer
//                                write or erase                     SWAP
//   SWAP       kSwap             written                            the table's answer
//                                the record, TIME, PEXPIRETIME      decide, at most kMaxRounds times
//   GIVE_BACK  kErase            any                                INDETERMINATE
//   any        -                 NOSCRIPT, once                     the same again, with the script's text
//
// A claim starts at EXPRESS; a settlement that holds for all records of its token at SETTLE; all else at READ.
//
// Why a decision may be written later than it was made. The table is a function of (record, request, time). SWAP
// writes only if the record's bytes are those that were decided upon, and every transition changes the first 128
// of them, so that all that may have moved on is time, by one round trip. Time moves three answers. A lease that
// was over is still over. An end of backoff or of life that had come has still come. And a new lease counts
// from the time of the read, before the write: its end comes early by the round trip for those who wait, but
// not for the owner, who counts from before it asked, earlier still. Answers that write nothing were true when
// the record was read, which lies between request and answer. So every operation takes effect at one moment
// between the two, as if the table had run inside the server; but the table is in one place.
// A server clock that steps back in between makes a takeover early by as much as the step: as in any store, the
// token is what protects the resource then.
//
// Why tokens rise. Below a record or a tombstone the table makes the next token exceed its own. Where nothing is
// there, EXPRESS takes the estimate of the server's clock, at most one network way and the age of the clock
// sample's error behind. What was there before lived at least token_memory after its last token was current:
// finished records outlive their ttl by that, abandoned ones leave a tombstone for that long, and both for as
// long as their token is ahead of the clock, if the clock was set back. So the estimate would have to be wrong by
// more than token_memory for a token to fall.
#ifndef HOLDFAST_ADAPTERS_REDIS_OPERATION_H_
#define HOLDFAST_ADAPTERS_REDIS_OPERATION_H_

#include <holdfast/operable_store.h>
#include <holdfast/store.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "adapters/redis/core.h"
#include "adapters/redis/exchange.h"
#include "adapters/redis/record_codec.h"
#include "adapters/redis/settlement.h"

namespace holdfast::inline v0_5::redis {

class Operation;

// Hears the answer, on the io thread or inside Start; may destroy the operation.
class OperationEnd {
 public:
  virtual void OnEnd(Operation& operation, StoreReply reply) = 0;

 protected:
  ~OperationEnd() = default;
};

class Operation : public Exchange {
 public:
  // What `request` points to lives until the end.
  Operation(Core& core, const StoreRequest& request, SteadyTime until, OperationEnd& end);

  // With the change: its row, or neither.
  void Audit(const AuditNote& note) { note_ = &note; }  // borrowed
  // Writes nothing unless the record becomes IN_DOUBT by it.
  void OnlyIntoDoubt() { only_into_doubt_ = true; }

  // Makes the first command. False: the answer is known without one, and the end is not told: see answer().
  bool Prepare();
  StoreReply TakeAnswer() { return std::move(answer_); }
  const StoreRequest& request() const { return request_; }

  void OnReply(Reply reply, int confirmed) override;
  void OnLost(const Loss& loss) override;
  bool Wrote(const redisReply& reply) const override;

 private:
  enum class Phase { kExpress, kSettle, kErase, kRead, kSwap, kGiveBack };

  // operation_commands.cc
  bool PrepareClaim(int64_t now);
  bool PrepareSettlement(int64_t now);
  void Compose();
  void ComposeSettle();
  void ComposeSwap();
  void ComposeScript(Script script, std::initializer_list<std::string_view> keys,
                     std::span<const std::string_view> arguments);
  int64_t LifeOf(const hf_record& next, int64_t now) const;
  int64_t MemoryOf(uint64_t token, int64_t now) const;
  std::string TestNow() const;

  // operation.cc
  void Go(Phase phase);

  void OnError(const redisReply& error);
  void OnExisting(std::string_view bytes);
  void OnSettled(std::string_view header);
  void Decide(const redisReply& found);
  // False: ended, as CORRUPT or UNAVAILABLE.
  bool Apply(std::string_view bytes, std::optional<int64_t> expires_ms, int64_t now);
  void Swap(std::string_view bytes, int64_t now);
  void Rewrite(std::string_view bytes);
  void Written(int confirmed);
  void End(StoreReply reply);
  void End(hf_store_status status, std::string detail) {
    End(StorageReply(status, std::move(detail)));
  }

  Core& core_;
  const StoreRequest request_;
  OperationEnd& end_;
  const AuditNote* note_ = nullptr;
  bool only_into_doubt_ = false;
  bool further_ = false;  // a claim that won from a live record, which giving it back would lose
  const std::string key_;
  Phase phase_ = Phase::kRead;
  bool with_source_ = false;
  int rounds_ = 0;
  std::string refused_;  // why nothing can be written now
  StoreReply answer_;    // if the command in flight succeeds
  Unpacked old_;         // what was decided upon; points into the reply it came in
  hf_record next_{};
  hf_record_change change_ = HF_RECORD_KEEP;
  int64_t decided_at_ =
      0;  // by the server's clock, even where a test has its own: audit rows are in order
  // Arguments of the command in flight.
  Settlement settlement_;
  std::string expected_;  // the header that a swap is to find
  std::string record_;
  std::string px_;
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_OPERATION_H_
