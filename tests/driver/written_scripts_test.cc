// SPDX-License-Identifier: Apache-2.0
// Ten of the generated scripts, with what must come of them written down, so that the reference is not
// only believed. Each was followed by hand; the line above each says where to look.
#include <gtest/gtest.h>

#include <string>

#include "driver/generated_scripts.h"
#include "driver/recording.h"
#include "driver/reference.h"

namespace holdfast::driver_test {
namespace {

struct Written {
  size_t number;
  const char* name;
  const char* text;
};

const Written kWritten[] = {
    // The other's permit comes back after 66 ms; the peer's 40 ms are shorter than the backoff of 100 ms.
    {12, "Queued", R"(
0 WAIT 0 until 2s [queued]
66ms ATTEMPT 1 retries 6
66ms   begins 1 retries 6
116ms   ends UNAVAILABLE retry_after 40ms
116ms SLEEP 1 until 216ms
216ms ATTEMPT 2 retries 5
216ms   begins 2 retries 5
223ms   ends PERMISSION_DENIED
223ms FINISH PERMISSION_DENIED not_retryable 2 retries 1
223ms told PERMISSION_DENIED not_retryable attempts 2 retries 1 [queued]
left bulkhead
)"},
    // A rival takes the permit in each pause. What never started takes nothing of the 8 retries.
    {16, "Rivalled", R"(
0 ATTEMPT 1 retries 8
0   begins 1 retries 8
50ms   ends RESOURCE_EXHAUSTED retry_after 120ms effect 4
50ms SLEEP 1 until 170ms
170ms WAIT 1 until 2170ms [queued]
369ms ATTEMPT 2 retries 8
369ms   begins 2 retries 8
389ms   ends FAILED_PRECONDITION effect 2
389ms SLEEP 2 until 589ms
589ms WAIT 2 until 2589ms [queued]
708ms ATTEMPT 3 retries 7
708ms   begins 3 retries 7
758ms   ends ABORTED verdict 2 effect 2
758ms SLEEP 3 until 1158ms
1158ms WAIT 3 until 3158ms [queued]
1397ms ATTEMPT 4 retries 6
1397ms   begins 4 retries 6
1447ms   ends UNIMPLEMENTED
1447ms FINISH UNIMPLEMENTED not_retryable 4 retries 2
1447ms told UNIMPLEMENTED not_retryable attempts 4 retries 2 [queued]
left bulkhead in 1
)"},
    // Given up in the first pause: the peer's error is kept, the permit is the rival's.
    {17, "RivalledCancelled", R"(
0 ATTEMPT 1 retries 8
0   begins 1 retries 8
50ms   ends RESOURCE_EXHAUSTED retry_after 120ms effect 4
50ms SLEEP 1 until 170ms
109999999ns FINISH RESOURCE_EXHAUSTED aborted 1
109999999ns told RESOURCE_EXHAUSTED aborted attempts 1
left bulkhead in 1
)"},
    // Given up before the start: the token that was set aside goes back.
    {19, "RateLimitedCancelled", R"(
0 SLEEP 0 until 100ms
0 FINISH CANCELLED aborted 0
0 told CANCELLED aborted attempts 0
left limiter granted 10 refunded 1 reserved 1
)"},
    // Given up in the first attempt, which heeds it: that is final, and nobody's fault.
    {29, "ImpatientCancelled", R"(
0 ATTEMPT 1 until 50ms retries 4
0   begins 1 until 50ms retries 4
9999999ns   ends CANCELLED
9999999ns FINISH CANCELLED not_retryable 1
9999999ns told CANCELLED not_retryable attempts 1
left
)"},
    // Three others hold for 62 ms each; the queue stands, so who waited longest is dropped.
    {36, "Standing", R"(
0 WAIT 0 until 3s [queued]
248ms FINISH RESOURCE_EXHAUSTED bulkhead_overloaded 0 retry_after 100ms
248ms told RESOURCE_EXHAUSTED bulkhead_overloaded retry_after 100ms attempts 0 [queued]
left bulkhead dropped 1
)"},
    // Three tokens: after the second failure less than half is left.
    {50, "Budget", R"(
0 ATTEMPT 1 retries 8
0   begins 1 retries 8
50ms   ends UNKNOWN
50ms SLEEP 1 until 150ms
150ms ATTEMPT 2 retries 7
150ms   begins 2 retries 7
150ms   ends DATA_LOSS
150ms FINISH DATA_LOSS budget_exhausted 2 retries 1 [budget_refused]
150ms told DATA_LOSS budget_exhausted attempts 2 retries 1 [budget_refused]
left budget 1.000000
)"},
    // Two failures in a row open it. It is still open after the third backoff, and no attempt is left.
    {52, "BreakerUnderway", R"(
0 ATTEMPT 1 retries 8
0   begins 1 retries 8
50ms   ends ABORTED
50ms SLEEP 1 until 150ms
150ms ATTEMPT 2 retries 7
150ms   begins 2 retries 7
150001us   ends RESOURCE_EXHAUSTED
150001us SLEEP 2 until 350001us
350001us ATTEMPT 3 retries 6
350001us   begins 3 retries 6
400001us   ends RESOURCE_EXHAUSTED retry_after 350ms
400001us SLEEP 3 until 800001us [opened]
800001us FINISH RESOURCE_EXHAUSTED breaker_open 3 retry_after 255ms retries 3
800001us told RESOURCE_EXHAUSTED breaker_open retry_after 255ms attempts 3 retries 3 [opened]
left breaker 2 calls 3 failures 2 in_row 2 opened 1 refused 1
)"},
    // Somebody else has the only probe, also after a backoff.
    {54, "BreakerBefore", R"(
0 SLEEP 0 until 100ms
100ms FINISH UNAVAILABLE breaker_probing 0 retry_after 10900us
100ms told UNAVAILABLE breaker_probing retry_after 10900us attempts 0
left breaker 3 calls 2 failures 2 in_row 2 probes 1 opened 1 refused 2
)"},
    // An injected canned result, 32 ms late: what the function says is not what it counts as.
    {225, "FaultyAndQueued", R"(
0 WAIT 0 until 2s [queued]
64ms SLEEP 1 until 96ms [fault]
96ms ATTEMPT 1 retries 6 fault 12
96ms   begins 1 retries 6 fault 12
116ms   ends RESOURCE_EXHAUSTED retry_after 350ms
116ms FINISH NOT_FOUND not_retryable 1
116ms told NOT_FOUND not_retryable attempts 1 [queued fault]
left bulkhead fault results 1
)"},
};

class WrittenScript : public ::testing::TestWithParam<Written> {};

TEST_P(WrittenScript, IsWhatTheReferencePlays) {
  const Script& script = GeneratedScripts().at(GetParam().number);
  EXPECT_EQ(script.name, GetParam().name);
  Recording recording(script);
  Reference(recording).Play();
  EXPECT_EQ("\n" + recording.Text(), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(ByHand, WrittenScript, ::testing::ValuesIn(kWritten),
                         [](const auto& info) { return std::to_string(info.param.number); });

}  // namespace
}  // namespace holdfast::driver_test
