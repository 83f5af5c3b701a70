// SPDX-License-Identifier: Apache-2.0
// RunOnce end to end: the driver, the session and the memory store, in virtual time.
#include <gtest/gtest.h>
#include <holdfast/idempotency.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "unit/run_once_world.h"

namespace holdfast {
namespace {

using testing::Cue;
using Body = absl::StatusOr<std::string>;

using RunOnceTest = testing::RunOnceWorld;

TEST_F(RunOnceTest, DuplicateGetsTheBytesOfTheFirstRun) {
  for (const std::string& body :
       {std::string("answer"), std::string(), std::string("0"), std::string("\0\xFF", 2)}) {
    key_ = "k" + std::to_string(++runs_);
    const int before = runs_;
    const auto first = RunOk(body), second = RunOk("other");
    EXPECT_EQ(runs_, before + 1);
    EXPECT_EQ(first->body, body);
    EXPECT_FALSE(first->replayed);
    EXPECT_EQ(second->body, body);
    EXPECT_TRUE(second->replayed);
    EXPECT_EQ(second->token, first->token);
    EXPECT_EQ(second->code, absl::StatusCode::kOk);
    EXPECT_TRUE(report_.replayed);
    EXPECT_FALSE(report_.ran);
  }
}

TEST_F(RunOnceTest, RefusalIsReplayedWithItsCodeAndMessage) {
  const auto refuse = [](Ticket&) -> Body { return absl::NotFoundError("no such card"); };
  for (int i = 0; i < 2; ++i) {
    const auto result = Run(refuse);
    EXPECT_EQ(result.status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(result.status().message(), "no such card");
    EXPECT_EQ(ReasonOf(result), HF_R_NOT_RETRYABLE);
    EXPECT_EQ(report_.replayed, i == 1);
    EXPECT_EQ(report_.work_code, absl::StatusCode::kNotFound);
  }
  EXPECT_EQ(runs_, 1);
}

TEST_F(RunOnceTest, AnswerCarriesABodyWithARefusal) {
  const auto answer = [](Ticket&) {
    return Answer{.outcome = OutcomeOfCode(HF_FAILED_PRECONDITION), .body = "details"};
  };
  for (int i = 0; i < 2; ++i) {
    const auto result = Run(answer);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->code, absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(result->body, "details");
    EXPECT_EQ(result->replayed, i == 1);
  }
}

TEST_F(RunOnceTest, PlainStatusIsAResultWithoutABody) {
  for (int i = 0; i < 2; ++i) {
    const auto result = Run([](Ticket&) { return absl::OkStatus(); });
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->body, "");
  }
  EXPECT_EQ(runs_, 1);
}

TEST_F(RunOnceTest, RetryableFailureComesBackAfterItsTime) {
  const auto busy = [](Ticket&) -> Body {
    return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_BULKHEAD_FULL, "full", std::chrono::seconds(2));
  };
  const auto first = Run(busy);
  EXPECT_EQ(first.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(first.status().message(), "full");
  EXPECT_EQ(ReasonOf(first), HF_R_IDEM_BACKOFF);
  const auto early = RunOk();
  EXPECT_EQ(early.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(early), HF_R_IDEM_BACKOFF);
  EXPECT_EQ(RejectionOf(early.status())->retry_after, std::chrono::seconds(2));
  Pass(std::chrono::seconds(2));
  EXPECT_EQ(RunOk()->attempt, 2u);
}

// A guard inside the work that somebody has to open by hand knows no time to come back.
TEST_F(RunOnceTest, RefusalThatDoesNotEndByItselfBlocksNoKeyForEver) {
  const auto never = Run([](Ticket&) -> Body {
    return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_RATE_LIMITED, "too dear", Duration::max());
  });
  EXPECT_EQ(RejectionOf(never.status())->retry_after, Duration::max());
  EXPECT_TRUE(RunOk().ok());
}

TEST_F(RunOnceTest, AmbiguousFailureIsInDoubtUnlessTakeoverIsAllowed) {
  const auto lost = [](Ticket&) -> Body { return absl::UnavailableError("reset"); };
  const auto first = Run(lost);
  EXPECT_EQ(first.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(first.status().message(), "reset");
  EXPECT_EQ(ReasonOf(first), HF_R_IDEM_IN_DOUBT);
  const auto second = RunOk();
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(second), HF_R_IDEM_IN_DOUBT);
  key_ = "order-2";
  RunOnceOptions options = Options();
  options.on_expiry = OnExpiry::kTakeover;
  EXPECT_EQ(ReasonOf(Run(options, lost)), HF_R_IDEM_BACKOFF);
  EXPECT_TRUE(RunOk().ok());
}

TEST_F(RunOnceTest, WorkThatNeverStartedIsForgotten) {
  const auto result = Run([](Ticket& ticket) -> Body {
    ticket.SetEffect(HF_EFFECT_NOT_STARTED);
    return absl::UnavailableError("breaker open");
  });
  EXPECT_EQ(result.status().message(), "breaker open");
  EXPECT_FALSE(report_.ran);
  EXPECT_EQ(RunOk()->attempt, 1u);
}

TEST_F(RunOnceTest, ValueIsFinalWhateverWasMarkedBefore) {
  Run([](Ticket& ticket) -> Body {
    ticket.SetEffect(HF_EFFECT_AMBIGUOUS);
    return "done";
  }).IgnoreError();
  EXPECT_TRUE(RunOk()->replayed);
}

TEST_F(RunOnceTest, ExceptionPassesAndTheRecordIsSettledByTheMark) {
  const auto throw_marked = [&](hf_effect effect) {
    EXPECT_THROW(Run([&](Ticket& ticket) -> Body {
                   ticket.SetEffect(effect);
                   throw std::runtime_error("work");
                 }).IgnoreError(),
                 std::runtime_error);
  };
  throw_marked(HF_EFFECT_DERIVE);
  EXPECT_EQ(ReasonOf(RunOk()), HF_R_IDEM_IN_DOUBT);
  key_ = "order-2";
  throw_marked(HF_EFFECT_NOT_STARTED);
  EXPECT_EQ(RunOk()->attempt, 1u);
  key_ = "order-3";
  throw_marked(HF_EFFECT_RETRYABLE);
  EXPECT_EQ(RunOk()->attempt, 2u);
}

TEST_F(RunOnceTest, IdentityIsFrozenEvenIfTheWorkMutatesItsInput) {
  std::string request = "amount=5";
  RunOnceOptions options = Options();
  options.request = request;
  Run(options, [&](Ticket&) -> Body {
    request.assign("amount=9");
    key_.assign("other-1");
    return "done";
  }).IgnoreError();
  request.assign("amount=5");
  key_.assign("order-1");
  EXPECT_TRUE(Run(options, [](Ticket&) -> Body { return "again"; })->replayed);
}

TEST_F(RunOnceTest, DownstreamKeyIsFrozenEvenIfTheWorkMutatesTheOperation) {
  std::string operation = "charge";
  std::string before;
  std::string after;
  const auto result =
      RunOnce(store_, {.operation = operation, .key = "k"},
              {.no_fingerprint = true, .clock = &clock_}, [&](Ticket& ticket) -> Body {
                before = ticket.DownstreamKey("card");
                operation.assign("refund");
                after = ticket.DownstreamKey("card");
                return "x";
              });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(before, after);
}

TEST_F(RunOnceTest, OtherRequestUnderTheSameKeyIsRefused) {
  ASSERT_TRUE(RunOk().ok());
  RunOnceOptions options = Options();
  options.request = "another";
  const auto result = Run(options, [](Ticket&) -> Body { return "x"; });
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(result), HF_R_IDEM_MISMATCH);
  EXPECT_EQ(runs_, 1);
}

TEST_F(RunOnceTest, StoreThatIsDownFailsClosed) {
  store_.Script({Cue::Refuse()});
  const auto result = RunOk();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(result), HF_R_STORE_UNAVAILABLE);
  EXPECT_NE(result.status().message().find("as scripted"), absl::string_view::npos);
  EXPECT_EQ(runs_, 0);
}

TEST_F(RunOnceTest, LostRepliesCostNothing) {
  store_.Script({Cue::LoseReply(), Cue::Pass(), Cue::LoseReply()});
  const auto result = RunOk();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(store_.verbs(), "claim claim complete complete");
  EXPECT_EQ(runs_, 1);
  EXPECT_EQ(result->attempt, 1u);
  EXPECT_TRUE(RunOk()->replayed);
}

TEST_F(RunOnceTest, CompletionIsNotGivenUpWhileTheStoreIsAway) {
  store_.Script({Cue::Pass(), Cue::Refuse(), Cue::Refuse(HF_STORE_FULL), Cue::LoseRequest()});
  ASSERT_TRUE(RunOk().ok());
  EXPECT_EQ(store_.verbs(), "claim complete complete complete complete");
  EXPECT_EQ(store_.log().back().body, "answer");
}

TEST_F(RunOnceTest, CompletionThatStaysUnansweredIsUnknownAndSaysThatItRan) {
  store_.Script({Cue::Pass(), Cue::LoseRequest(), Cue::LoseRequest(), Cue::LoseRequest()});
  const auto result = RunOk();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(ReasonOf(result), HF_R_STORE_INDETERMINATE);
  EXPECT_TRUE(report_.ran);
  EXPECT_EQ(report_.work_code, absl::StatusCode::kOk);
}

TEST_F(RunOnceTest, WaitsForAnotherOwnersResultIfAsked) {
  const hf_str none = {nullptr, 0}, tenant = {"acme", 4}, operation = {"charge", 6};
  StoreRequest rival = testing::Claim("x", 77);
  const hf_str key = {key_.data(), key_.size()};
  hf_idem_key_id(&none, &tenant, &operation, &key, rival.key_id);
  const uint64_t token = memory_->Execute(rival, Duration{0}).raw.token;
  EXPECT_EQ(ReasonOf(RunOk()), HF_R_IDEM_BUSY);
  store_.Script({Cue::Pass(), Cue::Pass(), Cue::After([&] {
                   StoreRequest complete = testing::Complete("x", token, "rival's");
                   std::copy_n(rival.key_id, 32, complete.key_id);
                   memory_->Execute(complete, Duration{0});
                 })});
  RunOnceOptions options = Options();
  options.max_wait = std::chrono::seconds(5);
  const auto result = Run(options, [](Ticket&) -> Body { return "mine"; });
  EXPECT_EQ(result->body, "rival's");
  EXPECT_TRUE(result->replayed);
  EXPECT_EQ(runs_, 0);
}

TEST_F(RunOnceTest, OwnerThatLostItsLeaseIsFencedAndToldSo) {
  RunOnceOptions options = Options();
  options.on_expiry = OnExpiry::kTakeover;
  options.lease = std::chrono::seconds(10);
  const auto result = Run(options, [&](Ticket& ticket) -> Body {
    EXPECT_EQ(ticket.lease_remaining(), std::chrono::seconds(9));
    Pass(std::chrono::seconds(10));
    EXPECT_TRUE(ticket.stop_requested());
    const auto successor = Run(options, [&](Ticket& next) -> Body {
      EXPECT_GT(next.token(), ticket.token());
      EXPECT_EQ(next.attempt(), 2u);
      EXPECT_EQ(next.DownstreamKey("pay"), ticket.DownstreamKey("pay"));
      return "successor's";
    });
    EXPECT_TRUE(successor.ok());
    EXPECT_EQ(ticket.Renew().code(), absl::StatusCode::kAborted);
    return "zombie's";
  });
  EXPECT_EQ(result.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(result), HF_R_IDEM_FENCED);
  EXPECT_TRUE(report_.ran);
  EXPECT_EQ(RunOk()->body, "successor's");
}

TEST_F(RunOnceTest, RenewalKeepsALongRunAlive) {
  RunOnceOptions options = Options();
  options.lease = std::chrono::seconds(10);
  const auto result = Run(options, [&](Ticket& ticket) -> Body {
    for (int i = 0; i < 5; ++i) {
      Pass(std::chrono::seconds(8));
      EXPECT_TRUE(ticket.Renew().ok());
      EXPECT_EQ(ticket.lease_remaining(), std::chrono::seconds(9));
    }
    store_.Script({Cue::Refuse()});
    Pass(std::chrono::seconds(1));
    EXPECT_EQ(ticket.Renew().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ticket.lease_remaining(), std::chrono::seconds(8));
    return "done";
  });
  EXPECT_TRUE(result.ok());
}

TEST_F(RunOnceTest, DownstreamKeyDependsOnKeyOperationAndStepOnly) {
  std::string first;
  Run([&](Ticket& ticket) -> Body {
    first = ticket.DownstreamKey("a");
    EXPECT_NE(first, ticket.DownstreamKey("b"));
    EXPECT_EQ(first.substr(64), "/charge-a");
    EXPECT_EQ(first.find_first_not_of("0123456789abcdef"), 64u);
    return "x";
  }).IgnoreError();
  key_ = "order-2";
  Run([&](Ticket& ticket) -> Body {
    EXPECT_NE(first, ticket.DownstreamKey("a"));
    return "x";
  }).IgnoreError();
}

TEST_F(RunOnceTest, OversizeResultIsWholeForItsRunnerAndADigestForDuplicates) {
  RunOnceOptions options = Options();
  options.max_body = 10;
  const auto run = [&] {
    return Run(options, [](Ticket&) -> Body { return std::string(11, 'x'); });
  };
  const auto first = run(), second = run();
  EXPECT_EQ(first->body, std::string(11, 'x'));
  EXPECT_TRUE(first->truncated);
  uint8_t digest[32];
  hf_idem_fingerprint("xxxxxxxxxxx", 11, digest);
  EXPECT_EQ(second->body, std::string(reinterpret_cast<const char*>(digest), 32));
  EXPECT_TRUE(second->truncated);
  EXPECT_TRUE(second->replayed);
}

TEST_F(RunOnceTest, MistakesInTheCallAreNamedAndNothingIsAsked) {
  const auto reason_of = [&](const Key& key, RunOnceOptions options) {
    options.report = &report_;
    const auto result = RunOnce(store_, key, options, [](Ticket&) -> Body { return "x"; });
    EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(report_.reason, ReasonOf(result)) << "the report is filled in every case";
    return ReasonOf(result);
  };
  const std::string large(1025, 'k');
  EXPECT_EQ(reason_of({}, {.request = "r"}), HF_R_KEY_MISSING);
  EXPECT_EQ(reason_of({.key = large}, {.request = "r"}), HF_R_KEY_OVERSIZE);
  EXPECT_EQ(reason_of({.tenant = large, .key = "k"}, {.request = "r"}), HF_R_KEY_OVERSIZE);
  EXPECT_EQ(reason_of({.key = "k"}, {}), HF_R_FINGERPRINT_MISSING);
  EXPECT_EQ(reason_of({.key = "k"}, {.request = "r", .no_fingerprint = true}), HF_R_BAD_OPTIONS);
  EXPECT_EQ(reason_of({.key = "k"}, {.request = "r", .lease = Duration{-1}}), HF_R_OUT_OF_RANGE);
  EXPECT_EQ(store_.verbs(), "");
}

TEST_F(RunOnceTest, EarlierOfTimeoutAndDeadlineBoundsTheClaim) {
  RunOnceOptions options = Options();
  options.timeout = std::chrono::seconds(1);
  ASSERT_TRUE(Run(options, [](Ticket&) -> Body { return "x"; }).ok());
  EXPECT_EQ(store_.log()[0].timeout, std::chrono::seconds(1));
  EXPECT_EQ(store_.log()[1].timeout, Duration{0});
  options.deadline = clock_.Now() + HF_MS;
  ASSERT_TRUE(Run(options, [](Ticket&) -> Body { return "x"; }).ok());
  EXPECT_EQ(store_.log()[2].timeout, std::chrono::milliseconds(1));
  options.timeout = Duration{-1};
  EXPECT_EQ(ReasonOf(Run(options, [](Ticket&) -> Body { return "x"; })), HF_R_DEADLINE);
}

TEST_F(RunOnceTest, StoreThatBreaksItsContractIsAnInternalErrorAndTheRecordIsSettled) {
  store_.Script({Cue{.answer = HF_STORE_OK}});
  EXPECT_EQ(RunOk().status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(runs_, 0);
  key_ = "order-2";
  store_.Script({Cue::Pass(), Cue{.reaches_the_store = false, .answer = HF_STORE_REPLAY}});
  EXPECT_EQ(RunOk("kept").status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(RunOk()->body, "kept");
}

// A store written as in C: the bytes are pointed to, and owned by nobody.
TEST_F(RunOnceTest, ReplayWithoutABodyIsAnInternalError) {
  class Careless final : public Store {
   public:
    StoreReply Execute(const StoreRequest&, Duration) override {
      StoreReply reply;
      reply.raw.status = HF_STORE_REPLAY;
      reply.raw.body = {"bytes", 5};
      return reply;
    }
    Guarantee guarantee() const override { return {}; }
  };
  Careless careless;
  const auto result = RunOnce(careless, {.key = "k"}, {.no_fingerprint = true, .clock = &clock_},
                              [](Ticket&) -> Body { return "x"; });
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInternal) << result.status();
}

TEST_F(RunOnceTest, OptOutOfFingerprintsMatchesAnyRequest) {
  RunOnceOptions options{.no_fingerprint = true, .clock = &clock_};
  ASSERT_TRUE(Run(options, [](Ticket&) -> Body { return "x"; }).ok());
  EXPECT_TRUE(RunOk()->replayed);
}

}  // namespace
}  // namespace holdfast
