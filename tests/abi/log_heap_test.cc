// SPDX-License-Identifier: Apache-2.0
// The text of a log line and a hashed secret cost no memory, through the shared object too.
#include <holdfast/log.h>

#include "abi/heap_meter.h"

namespace holdfast {
namespace {

class LogHeap : public Heap {};

TEST_F(LogHeap, WritesALineWithoutAllocating) {
  const Context context = Context::Start({.correlation_id = R"(order-"41")"}).value();
  const ScopedContext scope(context);
  char value[kLogValueMax];
  ExpectNoHeap([&] {
    const LogText text;
    WANT(text.view().starts_with("correlation_id=order-%2241%22 trace_id="));
    WANT(LogText(context).view() == text.view());
    for (const LogField field : kLogFields) {
      WANT((WriteLogValue(field, value) == 0) ==
           (field == LogField::kCausationId || field == LogField::kRequestId ||
            field == LogField::kTenant));
    }
    WANT(WriteLogText(std::span(value).first(8)) == 0);
  });
}

TEST_F(LogHeap, HashesASecretWithoutAllocating) {
  const std::string token(4096, 'x');
  const LogHashKey key = FreshLogHashKey();
  ExpectNoHeap([&] {
    WANT(Redacted(token).Hashed(key).size() == 8);
    WANT(Redacted(token).Reveal().data() == token.data());
  });
}

}  // namespace
}  // namespace holdfast
