// SPDX-License-Identifier: Apache-2.0
// The two tables of http_idempotency.h and http_idempotency_client.h, and whole runs over the memory store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/http_idempotency.h>
#include <holdfast/http_idempotency_client.h>
#include <holdfast/idempotency.h>
#include <holdfast/memory/store.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

constexpr std::string_view kMarker = "MARKER-4111";

std::string FieldOf(const HttpResponse& response, std::string_view name) {
  for (const HttpField& field : response.fields) {
    if (field.name == name) return field.value;
  }
  return "(none)";
}

hf_reason WhyNot(const std::vector<std::string_view>& values) {
  return RejectionOf(ReadHttpKey(values).status())->reason;
}

TEST(HttpKey, IsOneStringOfTheHeader) {
  EXPECT_EQ(ReadHttpKey(std::vector<std::string_view>{"\"8e03978e\""}).value(), "8e03978e");
  EXPECT_EQ(ReadHttpKey(std::vector<std::string_view>{"8e03978e"}).value(), "8e03978e");
  EXPECT_EQ(WhyNot({}), HF_R_KEY_MISSING);
  EXPECT_EQ(WhyNot({"\"a\"", "\"a\""}), HF_R_MALFORMED);
  EXPECT_EQ(WhyNot({"\"a"}), HF_R_MALFORMED);
  EXPECT_EQ(WhyNot({""}), HF_R_MALFORMED);
  EXPECT_EQ(WhyNot({std::string(1025, 'k')}), HF_R_KEY_OVERSIZE);
  EXPECT_TRUE(ReadHttpKey(std::vector<std::string_view>{std::string(1024, 'k')}).ok());
}

TEST(HttpRefusal, EachReasonHasItsStatusAndSaysWhetherWaitingHelps) {
  struct Row {
    hf_reason reason;
    bool ran;
    int status;
    bool waits;
  };
  for (const Row& row : {Row{HF_R_KEY_MISSING, false, 400, false},
                         Row{HF_R_KEY_OVERSIZE, false, 400, false},
                         Row{HF_R_MALFORMED, false, 400, false},
                         Row{HF_R_IDEM_BUSY, false, 409, true},
                         Row{HF_R_IDEM_FENCED, true, 409, true},
                         Row{HF_R_IDEM_MISMATCH, false, 422, false},
                         Row{HF_R_IDEM_OVERSIZE, false, 410, false},
                         Row{HF_R_STORE_ERASED, false, 410, false},
                         Row{HF_R_IDEM_BACKOFF, false, 503, true},
                         Row{HF_R_DEADLINE, false, 503, true},
                         Row{HF_R_STORE_UNAVAILABLE, false, 503, true},
                         Row{HF_R_STORE_LOCKED, false, 503, true},
                         Row{HF_R_STORE_OVERLOADED, false, 503, true},
                         Row{HF_R_STORE_FULL, false, 503, true},
                         Row{HF_R_STORE_INDETERMINATE, false, 503, true},
                         Row{HF_R_STORE_INDETERMINATE, true, 500, false},
                         Row{HF_R_IDEM_IN_DOUBT, false, 500, false},
                         Row{HF_R_IDEM_POISON, false, 500, false},
                         Row{HF_R_STORE_CORRUPT, false, 500, false},
                         Row{HF_R_BAD_OPTIONS, false, 500, false}}) {
    const absl::Status status = MakeStatus(HF_UNKNOWN, row.reason, kMarker);
    const HttpResponse refusal = HttpRefusal(status, row.ran);
    EXPECT_EQ(refusal.status, row.status) << row.reason;
    EXPECT_EQ(FieldOf(refusal, "Retry-After"), row.waits ? "1" : "(none)") << row.reason;
    EXPECT_EQ(FieldOf(refusal, "Content-Type"), "application/problem+json");
    EXPECT_EQ(FieldOf(refusal, "Cache-Control"), "no-store");
    EXPECT_THAT(refusal.body, HasSubstr("\"status\":" + std::to_string(row.status)));
    EXPECT_THAT(refusal.body, HasSubstr(hf_reason_name(row.reason)));
    EXPECT_THAT(refusal.body, Not(HasSubstr(std::string(kMarker))));
    EXPECT_TRUE(EncodeHttpResponse(refusal).ok());
    // What the server says and what a client reads are one table.
    const HttpVerdict verdict = ReadHttpAnswer(
        {.status = refusal.status, .retry_after = row.waits ? "1" : std::string_view()});
    EXPECT_EQ(verdict.advice == HttpAdvice::kWait, row.waits) << row.reason;
  }
}

TEST(HttpRefusal, RetryAfterIsWholeSecondsRoundedUp) {
  EXPECT_EQ(HttpRetryAfter(1ns), "1");
  EXPECT_EQ(HttpRetryAfter(1s), "1");
  EXPECT_EQ(HttpRetryAfter(1s + 1ns), "2");
  EXPECT_EQ(HttpRetryAfter(0ns), "1");
  EXPECT_EQ(HttpRetryAfter(-5s), "1");
  EXPECT_EQ(HttpRetryAfter(24h), "86400");
  EXPECT_EQ(HttpRetryAfter(Duration::max()), "");
  const HttpResponse busy = HttpRefusal(MakeStatus(HF_ABORTED, HF_R_IDEM_BUSY, "", 2500ms));
  EXPECT_EQ(FieldOf(busy, "Retry-After"), "3");
  const HttpResponse never =
      HttpRefusal(MakeStatus(HF_ABORTED, HF_R_IDEM_BUSY, "", Duration::max()));
  EXPECT_EQ(FieldOf(never, "Retry-After"), "(none)");
}

TEST(HttpRefusal, DocumentationIsLinkedIfItsAddressIsFit) {
  const absl::Status missing = ReadHttpKey({}).status();
  const HttpResponse linked =
      HttpRefusal(missing, false, {.docs = "https://api.example.com/idempotency"});
  EXPECT_EQ(FieldOf(linked, "Link"),
            "<https://api.example.com/idempotency>; rel=\"describedby\"; type=\"text/html\"");
  EXPECT_EQ(linked.body,
            "{\"type\":\"https://api.example.com/idempotency\",\"title\":\"Idempotency-Key is "
            "missing\",\"status\":400,\"reason\":\"key_missing\"}");
  for (const std::string_view unfit : {"", "a\"b", "a>b", "a\r\nSet-Cookie: x", "a b"}) {
    const HttpResponse plain = HttpRefusal(missing, false, {.docs = unfit});
    EXPECT_EQ(FieldOf(plain, "Link"), "(none)");
    EXPECT_THAT(plain.body, HasSubstr("about:blank"));
  }
}

TEST(HttpRequestBytes, TellMethodTargetAndBodyApart) {
  EXPECT_EQ(HttpRequestBytes("POST", "/p", "b"), HttpRequestBytes("POST", "/p", "b"));
  EXPECT_NE(HttpRequestBytes("POST", "/p", "b"), HttpRequestBytes("PATCH", "/p", "b"));
  EXPECT_NE(HttpRequestBytes("POST", "/p", "b"), HttpRequestBytes("POST", "/pb", ""));
  EXPECT_NE(HttpRequestBytes("POST", "/p", "b"), HttpRequestBytes("POST", "/p", "c"));
}

// One endpoint whose handler answers what the test says, over a memory store.
class HttpEndpointTest : public ::testing::Test {
 protected:
  HttpResponse Post(std::string_view key, std::string_view body, const HttpResponse& answer,
                    Duration retry_after = Duration{0}, uint32_t max_body = 0) {
    RunOnceReport report;
    std::optional<HttpResponse> own;
    const std::string request = HttpRequestBytes("POST", "/payments", body);
    const auto result =
        RunOnce(*store_, {.operation = "pay", .key = key},
                {.request = request, .max_body = max_body, .report = &report}, [&](Ticket&) {
                  ++runs_;
                  own = answer;
                  return HttpAnswer(answer, retry_after);
                });
    return HttpReply(result, report, own ? &*own : nullptr);
  }

  std::unique_ptr<Store> store_ = memory::Store::Create().value();
  int runs_ = 0;
};

TEST_F(HttpEndpointTest, DuplicateGetsTheSameAnswerMarkedAsReplayed) {
  const HttpResponse created{
      .status = 201, .fields = {{"Location", "/payments/1"}}, .body = "{\"id\":1}"};
  EXPECT_EQ(Post("k", "10", created), created);
  HttpResponse replayed = created;
  replayed.fields.push_back({"Idempotency-Replayed", "true"});
  EXPECT_EQ(Post("k", "10", {.status = 500}), replayed);
  EXPECT_EQ(runs_, 1);
}

TEST_F(HttpEndpointTest, RefusalOfTheHandlerIsItsResult) {
  const HttpResponse declined{.status = 402, .body = "declined"};
  EXPECT_EQ(Post("k", "10", declined), declined);
  const HttpResponse again = Post("k", "10", {});
  EXPECT_EQ(again.status, 402);
  EXPECT_EQ(again.body, "declined");
  EXPECT_EQ(FieldOf(again, "Idempotency-Replayed"), "true");
}

TEST_F(HttpEndpointTest, OtherRequestUnderTheKeyIs422) {
  Post("k", "10", {.body = std::string(kMarker)});
  const HttpResponse mismatch = Post("k", "11", {});
  EXPECT_EQ(mismatch.status, 422);
  EXPECT_THAT(mismatch.body, Not(HasSubstr(std::string(kMarker))));
  EXPECT_EQ(runs_, 1);
}

TEST_F(HttpEndpointTest, HandlerThatIsBusyMayRunAgainAfterItsTime) {
  const HttpResponse later{.status = 503, .body = std::string(kMarker)};
  EXPECT_EQ(Post("k", "10", later, 90s), later);  // its own words, the first time
  const HttpResponse backoff = Post("k", "10", {});
  EXPECT_EQ(backoff.status, 503);
  EXPECT_EQ(FieldOf(backoff, "Retry-After"), "90");
  EXPECT_THAT(backoff.body, Not(HasSubstr(std::string(kMarker))));
  EXPECT_EQ(runs_, 1);
}

TEST_F(HttpEndpointTest, HandlerThatBreaksLeavesADoubtThatIsNotRunAgain) {
  const HttpResponse broken{.status = 500, .body = std::string(kMarker)};
  EXPECT_EQ(Post("k", "10", broken), broken);
  const HttpResponse doubt = Post("k", "10", {});
  EXPECT_EQ(doubt.status, 500);
  EXPECT_THAT(doubt.body, HasSubstr("idem_in_doubt"));
  EXPECT_THAT(doubt.body, Not(HasSubstr(std::string(kMarker))));
  EXPECT_EQ(runs_, 1);
}

TEST_F(HttpEndpointTest, ResultThatWasTooLargeIsGone) {
  const HttpResponse large{.body = std::string(100, 'x')};
  EXPECT_EQ(Post("k", "10", large, 0s, 50), large);
  EXPECT_EQ(Post("k", "10", {}, 0s, 50).status, 410);
  EXPECT_EQ(runs_, 1);
}

TEST_F(HttpEndpointTest, WhatIsRefusedBeforeItHappensIsNotSaidToBeDone) {
  RunOnceReport report;
  RunOnceOptions options{.request = "a request of 23 bytes!!", .report = &report};
  options.oversize = Oversize::kRefuse;
  options.max_body = 50;
  const auto post = [&](const RunOnceOptions& given) {
    const auto result = RunOnce(*store_, {.operation = "pay", .key = "k"}, given, [](Ticket& work) {
      const absl::Status room = work.Reserve(51);
      EXPECT_FALSE(room.ok());
      return HttpAnswer({.status = 429});
    });
    return HttpReply(result, report);
  };
  EXPECT_EQ(post(options).status, 413) << "the work asked for too much";
  RunOnceOptions declared = options;
  declared.max_result = 51;
  EXPECT_EQ(post(declared).status, 413);
  RunOnceOptions narrow = options;
  narrow.max_request = 22;
  EXPECT_EQ(post(narrow).status, 413);
  EXPECT_THAT(post(narrow).body, HasSubstr("Not done"));
}

TEST_F(HttpEndpointTest, AnswerThatCannotBeStoredIsNotRunAgain) {
  const HttpResponse odd{.status = 200, .fields = {{"A", "b\r\nc"}}};
  Post("k", "10", odd);
  EXPECT_EQ(Post("k", "10", {}).status, 500);
  EXPECT_EQ(runs_, 1);
}

TEST_F(HttpEndpointTest, ForeignResultIsNotServed) {
  const std::string request = HttpRequestBytes("POST", "/payments", "10");
  ASSERT_TRUE(RunOnce(*store_, {.operation = "pay", .key = "k"}, {.request = request},
                      [](Ticket&) -> absl::StatusOr<std::string> { return std::string(kMarker); })
                  .ok());
  const HttpResponse reply = Post("k", "10", {});
  EXPECT_EQ(reply.status, 500);
  EXPECT_THAT(reply.body, Not(HasSubstr(std::string(kMarker))));
}

TEST(HttpClient, ReadsEachAnswer) {
  const auto advice = [](int status, std::string_view retry_after = {}) {
    return ReadHttpAnswer({.status = status, .retry_after = retry_after}).advice;
  };
  for (const int status : {200, 201, 204, 303}) EXPECT_EQ(advice(status), HttpAdvice::kDone);
  for (const int status : {408, 425, 429, 503}) EXPECT_EQ(advice(status), HttpAdvice::kWait);
  for (const int status : {400, 401, 402, 404, 410, 422}) {
    EXPECT_EQ(advice(status, "1"), HttpAdvice::kGiveUp) << status;
  }
  for (const int status : {0, 500, 502, 504}) EXPECT_EQ(advice(status), HttpAdvice::kAskAgain);
  EXPECT_EQ(advice(409, "3"), HttpAdvice::kWait);
  EXPECT_EQ(advice(409), HttpAdvice::kGiveUp);  // the application's own conflict
  EXPECT_TRUE(ReadHttpAnswer({.status = 200, .replayed = "true"}).replayed);
  EXPECT_FALSE(ReadHttpAnswer({.status = 200}).replayed);
}

TEST(HttpClient, VerdictsAreSoundOutcomes) {
  for (int status = 0; status < 600; ++status) {
    const HttpVerdict verdict = ReadHttpAnswer({.status = status, .retry_after = "7"});
    hf_outcome outcome = verdict.outcome;
    EXPECT_EQ(hf_outcome_derive(&outcome), HF_OK) << status;
    EXPECT_EQ(outcome.retry_after, outcome.effect == HF_EFFECT_FINAL ? 0 : 7 * HF_S) << status;
  }
}

TEST(HttpClient, RetryAfterIsSecondsOrNothing) {
  EXPECT_EQ(ReadHttpRetryAfter("120"), 120s);
  EXPECT_EQ(ReadHttpRetryAfter("0"), 0s);
  for (const std::string_view odd :
       {"", "-1", "1.5", " 1", "1 ", "Fri, 31 Dec 1999 23:59:59 GMT"}) {
    EXPECT_EQ(ReadHttpRetryAfter(odd), 0s) << odd;
  }
  EXPECT_EQ(ReadHttpRetryAfter("99999999999999999999"), Duration::max());
  EXPECT_EQ(ReadHttpRetryAfter("9999999999999"), Duration::max());
}

}  // namespace
}  // namespace holdfast
