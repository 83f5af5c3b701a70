// SPDX-License-Identifier: Apache-2.0
// What becomes of requests and results that are too large, what labels say, and fingerprints under a secret.
#include <gtest/gtest.h>
#include <holdfast/idempotency.h>
#include <holdfast/process_owner.h>

#include <stdexcept>
#include <string>

#include "unit/run_once_world.h"

namespace holdfast {
namespace {

using testing::RunOnceWorld;
using Body = absl::StatusOr<std::string>;

class Oversized : public RunOnceWorld {
 protected:
  RunOnceOptions Options(Oversize oversize) {
    RunOnceOptions options = RunOnceWorld::Options();
    options.oversize = oversize;
    options.max_body = 10;
    return options;
  }
  absl::StatusOr<RunOnceResult> RunLarge(const RunOnceOptions& options) {
    return Run(options, [](Ticket&) -> Body { return std::string(11, 'x'); });
  }
  std::string LabelOfClaim(size_t request = 0) const { return store_.log()[request].label; }
};

TEST_F(Oversized, ASpilledResultIsWholeForItsRunnerAndAReferenceForDuplicates) {
  RunOnceOptions options = Options(Oversize::kSpill);
  std::string spilled;
  options.spill = [&](Ticket& ticket, std::string_view body) -> Body {
    EXPECT_EQ(ticket.attempt(), 1u);
    spilled = body;
    return "blob/7";
  };
  const auto first = RunLarge(options), second = RunLarge(options);
  EXPECT_EQ(first->body, std::string(11, 'x'));
  EXPECT_EQ(first->stored_as, StoredAs::kReference);
  EXPECT_EQ(spilled, first->body);
  EXPECT_EQ(second->body, "blob/7");
  EXPECT_EQ(second->stored_as, StoredAs::kReference);
  EXPECT_TRUE(second->truncated);
  EXPECT_EQ(report_.reason, HF_R_IDEM_OVERSIZE);
  EXPECT_EQ(runs_, 1);
}

TEST_F(Oversized, AResultThatFitsIsNotSpilled) {
  RunOnceOptions options = Options(Oversize::kSpill);
  options.spill = [](Ticket&, std::string_view) -> Body {
    ADD_FAILURE();
    return "x";
  };
  EXPECT_EQ(Run(options, [](Ticket&) -> Body { return "small"; })->stored_as, StoredAs::kWhole);
  key_ = "order-2";
  EXPECT_FALSE(Run(options, [](Ticket&) -> Body {
                 return absl::UnavailableError("a message above ten bytes, and not final");
               }).ok());
}

TEST_F(Oversized, ASpillThatFailsCostsTheResultAndNotTheCall) {
  const std::function<Body(Ticket&, std::string_view)> bad[] = {
      [](Ticket&, std::string_view) -> Body { return absl::UnavailableError("no disk"); },
      [](Ticket&, std::string_view) -> Body { throw std::runtime_error("no disk"); },
      [](Ticket&, std::string_view) -> Body { return std::string(); },
      [](Ticket&, std::string_view) -> Body { return std::string(11, 'r'); }};
  for (const auto& spill : bad) {
    key_ += "x";
    RunOnceOptions options = Options(Oversize::kSpill);
    options.spill = spill;
    const auto first = RunLarge(options);
    EXPECT_EQ(first->body, std::string(11, 'x'));
    EXPECT_EQ(first->stored_as, StoredAs::kDigest);
    EXPECT_EQ(RunLarge(options)->body.size(), 32u);
  }
}

TEST_F(Oversized, WhatIsDeclaredTooLargeIsRefusedBeforeAnythingIsAsked) {
  RunOnceOptions options = Options(Oversize::kRefuse);
  options.max_result = 11;
  const auto refused = RunLarge(options);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), HF_R_IDEM_OVERSIZE);
  EXPECT_EQ(runs_, 0);
  EXPECT_EQ(store_.verbs(), "");
  options.max_result = 10;
  EXPECT_TRUE(Run(options, [](Ticket&) -> Body { return "small"; }).ok());
}

TEST_F(Oversized, WorkThatReservesTooMuchIsRefusedBeforeItsEffectAndTheKeyIsFree) {
  const RunOnceOptions options = Options(Oversize::kRefuse);
  const auto refused = Run(options, [](Ticket& ticket) -> Body {
    EXPECT_TRUE(ticket.Reserve(10).ok());
    if (absl::Status status = ticket.Reserve(11); !status.ok()) return status;
    ADD_FAILURE();
    return "";
  });
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), HF_R_IDEM_OVERSIZE);
  EXPECT_FALSE(report_.ran);
  EXPECT_EQ(report_.reason, HF_R_IDEM_OVERSIZE);
  EXPECT_EQ(store_.verbs(), "claim abandon");
  EXPECT_FALSE(RunOk()->replayed);
}

TEST_F(Oversized, WorkThatReservesLessAfterARefusalHasItsOwnEnd) {
  const RunOnceOptions options = Options(Oversize::kRefuse);
  const auto smaller = [](Ticket& ticket) -> Body {
    EXPECT_FALSE(ticket.Reserve(11).ok());
    EXPECT_TRUE(ticket.Reserve(10).ok());
    return absl::UnavailableError("the reply to the charge was lost");
  };
  EXPECT_EQ(ReasonOf(Run(options, smaller)), HF_R_IDEM_IN_DOUBT);
  EXPECT_EQ(ReasonOf(RunOk()), HF_R_IDEM_IN_DOUBT) << "it may have happened";
  EXPECT_EQ(runs_, 1);
}

TEST_F(Oversized, WorkThatGoesOnAfterARefusalMayHaveHappened) {
  const RunOnceOptions options = Options(Oversize::kRefuse);
  const auto charges_all_the_same = [](Ticket& ticket) -> Body {
    EXPECT_FALSE(ticket.Reserve(11).ok());
    throw std::runtime_error("the connection broke");
  };
  EXPECT_THROW(Run(options, charges_all_the_same).IgnoreError(), std::runtime_error);
  EXPECT_EQ(ReasonOf(RunOk()), HF_R_IDEM_IN_DOUBT);
  EXPECT_EQ(runs_, 1);
}

TEST_F(Oversized, UnderOtherPoliciesNothingIsReserved) {
  EXPECT_TRUE(Run([](Ticket& ticket) -> Body {
                EXPECT_TRUE(ticket.Reserve(uint64_t{1} << 40).ok());
                return "x";
              }).ok());
}

TEST_F(Oversized, AResultThatOutgrowsItsReservationIsADigestForItHasHappened) {
  EXPECT_EQ(RunLarge(Options(Oversize::kRefuse))->stored_as, StoredAs::kDigest);
}

TEST_F(Oversized, ARequestAboveItsLimitIsRefusedBeforeTheClaim) {
  RunOnceOptions options = RunOnceWorld::Options();
  options.max_request = 7;
  EXPECT_TRUE(Run(options, [](Ticket&) -> Body { return "x"; }).ok());
  options.request = "request.";
  const auto refused = Run(options, [](Ticket&) -> Body { return "x"; });
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(refused), HF_R_IDEM_OVERSIZE);
  EXPECT_EQ(store_.verbs(), "claim complete");
}

TEST_F(Oversized, OptionsThatContradictEachOtherAreRefusedByName) {
  const auto message = [&](const RunOnceOptions& options) {
    const auto result = RunLarge(options);
    EXPECT_EQ(ReasonOf(result), HF_R_BAD_OPTIONS);
    return std::string(result.status().message());
  };
  RunOnceOptions options = Options(Oversize::kSpill);
  EXPECT_NE(message(options).find("spill:"), std::string::npos);
  options = Options(Oversize::kDigest);
  options.spill = [](Ticket&, std::string_view) -> Body { return "x"; };
  EXPECT_NE(message(options).find("spill:"), std::string::npos);
  options = Options(Oversize::kDigest);
  options.max_result = 5;
  EXPECT_NE(message(options).find("max_result:"), std::string::npos);
  options = Options(Oversize::kDigest);
  options.key_form = KeyForm::kSealed;
  EXPECT_NE(message(options).find("seal_key:"), std::string::npos);
  options = Options(Oversize::kDigest);
  options.request.reset();
  options.no_fingerprint = true;
  options.fingerprint_secret = "0123456789abcdef";
  EXPECT_NE(message(options).find("fingerprint_secret:"), std::string::npos);
  EXPECT_EQ(store_.verbs(), "");
}

TEST_F(Oversized, TheLabelTellsWhoseItIsAndWhoHoldsItButNotTheKey) {
  key_ = "4111-1111";
  RunOk().IgnoreError();
  EXPECT_EQ(LabelOfClaim().find(key_), std::string::npos);
  const RecordLabel label = DecodeRecordLabel(LabelOfClaim()).value();
  EXPECT_EQ(label.tenant, "acme");
  EXPECT_EQ(label.operation, "charge");
  EXPECT_EQ(label.owner, ProcessOwner());
  EXPECT_EQ(label.key_form, KeyForm::kHash);
}

TEST_F(Oversized, TheKeyIsInTheLabelPlainOrSealedOnRequestOnly) {
  RunOnceOptions options = RunOnceWorld::Options();
  options.key_form = KeyForm::kPlain;
  Run(options, [](Ticket&) -> Body { return "x"; }).IgnoreError();
  EXPECT_EQ(DecodeRecordLabel(LabelOfClaim())->key, key_);
  const SealKey seal = [](std::string_view tenant, std::string_view key) -> Body {
    if (tenant != "acme") return absl::NotFoundError("no key for this tenant");
    return "sealed:" + std::to_string(key.size());
  };
  options.key_form = KeyForm::kSealed;
  options.seal_key = &seal;
  key_ = "order-22";
  Run(options, [](Ticket&) -> Body { return "x"; }).IgnoreError();
  EXPECT_EQ(DecodeRecordLabel(LabelOfClaim(2))->key, "sealed:8");
  const SealKey broken = [](std::string_view, std::string_view) -> Body {
    return absl::NotFoundError("no key for this tenant");
  };
  options.seal_key = &broken;
  EXPECT_EQ(Run(options, [](Ticket&) -> Body { return "x"; }).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(store_.log().size(), 4u) << "nothing was asked";
}

TEST_F(Oversized, AFingerprintUnderASecretIsNotTheRequestsOwn) {
  RunOnceOptions options = RunOnceWorld::Options();
  options.fingerprint_secret = "0123456789abcdef";
  const auto run = [&] { return Run(options, [](Ticket&) -> Body { return "x"; }); };
  ASSERT_TRUE(run().ok());
  EXPECT_TRUE(run()->replayed);
  uint8_t plain[32];
  hf_idem_fingerprint("request", 7, plain);
  EXPECT_NE(std::memcmp(store_.log().front().request.fingerprint, plain, 32), 0);
  options.request = "another";
  EXPECT_EQ(ReasonOf(run()), HF_R_IDEM_MISMATCH);
  options.request = "request";
  options.fingerprint_secret = "fedcba9876543210";
  EXPECT_EQ(ReasonOf(run()), HF_R_IDEM_MISMATCH);
  options.fingerprint_secret = "too short";
  EXPECT_EQ(ReasonOf(run()), HF_R_OUT_OF_RANGE);
}

}  // namespace
}  // namespace holdfast
