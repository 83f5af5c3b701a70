// SPDX-License-Identifier: Apache-2.0
// Log: what of a context is in a line, and that no id can break out of its place.
#include <holdfast/log.h>

#include <sstream>

namespace holdfast {
namespace {

constexpr std::string_view kTraceparent = "00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01";
constexpr std::string_view kFull =
    "correlation_id=order-41 causation_id=step-1 trace_id=0af7651916cd43dd8448eb211c80319c "
    "span_id=b9c7c989f97918e1 request_id=request-7 tenant=acme";

Context Full() {
  return Context::Create({.correlation_id = "order-41",
                          .causation_id = "step-1",
                          .trace = *ParseTraceparent(kTraceparent),
                          .baggage = "secret=1",
                          .request_id = "request-7",
                          .tenant = "acme",
                          .principal = "ada@example.org"})
      .value();
}

std::string Value(LogField field, const Context& context) {
  char buffer[kLogValueMax];
  return std::string(buffer, WriteLogValue(field, buffer, context));
}

TEST(Log, WritesWhatTheContextHas) {
  const Context context = Full();
  EXPECT_EQ(LogText(context).view(), kFull);
  EXPECT_EQ(Value(LogField::kCorrelationId, context), "order-41");
  EXPECT_EQ(Value(LogField::kCausationId, context), "step-1");
  EXPECT_EQ(Value(LogField::kTraceId, context), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(Value(LogField::kSpanId, context), "b9c7c989f97918e1");
  EXPECT_EQ(Value(LogField::kRequestId, context), "request-7");
  EXPECT_EQ(Value(LogField::kTenant, context), "acme");
}

TEST(Log, LeavesOutWhatTheContextHasNot) {
  const Context only_id = Context::Create({.correlation_id = "a"}).value();
  EXPECT_EQ(LogText(only_id).view(), "correlation_id=a");
  EXPECT_EQ(Value(LogField::kTraceId, only_id), "");
  EXPECT_EQ(LogText(Context()).view(), "");
  EXPECT_EQ(Value(LogField::kCorrelationId, Context()), "");
}

TEST(Log, TakesTheContextOfTheThread) {
  EXPECT_EQ(LogText().view(), "");
  const ScopedContext scope(Full());
  std::ostringstream out;
  out << LogText();
  EXPECT_EQ(out.str(), kFull);
  char buffer[kLogValueMax];
  EXPECT_EQ(WriteLogValue(LogField::kSpanId, buffer), 16u);
  std::thread([] { EXPECT_EQ(LogText().view(), "") << "another thread has none"; }).join();
}

// Each shorter buffer gives whole fields of the same line, never a byte past its end.
TEST(Log, WritesWholeFieldsOnly) {
  const Context context = Full();
  for (std::size_t size = 0; size <= kFull.size(); ++size) {
    std::vector<char> buffer(size + 1, '#');
    const std::size_t used = WriteLogText(std::span(buffer).first(size), context);
    ASSERT_LE(used, size);
    EXPECT_EQ(buffer[size], '#');
    std::istringstream fields{std::string(buffer.data(), used)};
    for (std::string field; fields >> field;) {
      EXPECT_NE((" " + std::string(kFull) + " ").find(" " + field + " "), std::string::npos)
          << field;
    }
  }
  char small[7];
  EXPECT_EQ(WriteLogValue(LogField::kCorrelationId, small, context), 0u);
  char exact[8];
  EXPECT_EQ(WriteLogValue(LogField::kCorrelationId, exact, context), 8u);
}

TEST(Log, KeepsAnIdInsideItsQuotes) {
  const Context hostile = Context::Create({.correlation_id = R"(x","level":"debug\)"}).value();
  EXPECT_EQ(Value(LogField::kCorrelationId, hostile), "x%22,%22level%22:%22debug%5C");
}

// A context refuses these, so they reach the writer only here.
TEST(Log, WritesEveryOtherByteAsThree) {
  char buffer[kLogValueMax];
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    internal::LogCursor cursor(buffer);
    ASSERT_TRUE(cursor.PutEscaped(std::string{'a', c, 'b'}));
    const std::string_view written(buffer, cursor.size());
    const bool harmless = byte > 0x20 && byte < 0x7f && c != '"' && c != '\\';
    EXPECT_EQ(written.size(), harmless ? 3u : 5u) << byte;
    EXPECT_TRUE(std::all_of(written.begin(), written.end(), [](char w) {
      return w > ' ' && w < 0x7f && w != '"' && w != '\\';
    })) << byte;
    EXPECT_FALSE(Context::Create({.correlation_id = std::string{'a', c}}).ok() && !harmless &&
                 c != '"' && c != '\\')
        << byte;
  }
}

TEST(Log, HasRoomForTheLongestText) {
  const std::string longest(HF_CONTEXT_ID_MAX, '"');
  const Context context = Context::Create({.correlation_id = longest,
                                           .causation_id = longest,
                                           .trace = *ParseTraceparent(kTraceparent),
                                           .request_id = longest,
                                           .tenant = std::string(HF_CONTEXT_NAME_MAX, '"')})
                              .value();
  EXPECT_EQ(Value(LogField::kTenant, context).size(), kLogValueMax);
  const std::string text(LogText(context).view());
  for (const LogField field : kLogFields) {
    EXPECT_NE(text.find(std::string(LogFieldName(field)) + "="), std::string::npos);
  }
  EXPECT_LE(text.size(), kLogTextMax);
}

}  // namespace
}  // namespace holdfast
