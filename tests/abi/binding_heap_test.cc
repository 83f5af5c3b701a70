// SPDX-License-Identifier: Apache-2.0
// Reading and writing an event in headers allocates nothing, whether it ends well or not.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include <cstring>

#include "abi/heap_meter.h"

namespace {

hf_str Str(const char* text) { return {text, std::strlen(text)}; }

TEST_F(Heap, AnEventInHeadersAllocatesNothing) {
  const hf_header received[] = {{Str("Ce-Specversion"), Str("1.0")},
                                {Str("Ce-Id"), Str("7")},
                                {Str("Ce-Source"), Str("/orders%2F7")},
                                {Str("Ce-Type"), Str("placed")},
                                {Str("Ce-Subject"), Str("\"a b\" 100%")},
                                {Str("Ce-Time"), Str("2018-04-05T03:56:24.123Z")},
                                {Str("Ce-Sampledrate"), Str("30")},
                                {Str("Host"), Str("orders")},
                                {Str("Content-Type"), Str("application/json")}};
  constexpr size_t kCount = sizeof received / sizeof *received;
  hf_attribute attributes[HF_ENVELOPE_ATTRIBUTES];
  hf_envelope event = HF_INIT(hf_envelope);
  event.attributes = attributes;
  event.attribute_capacity = HF_ENVELOPE_ATTRIBUTES;
  hf_binding_report report;
  report.struct_size = sizeof report;
  hf_header written[HF_BINDING_HEADERS];
  char buffer[1024], out[1024];
  hf_error error;
  ExpectNoHeap([&] {
    size_t count = 0, need = 0;
    WANT(hf_binding_read(HF_BINDING_HTTP, received, kCount, "{}", 2, nullptr, buffer, sizeof buffer,
                         &event, &report, &error) == HF_OK);
    for (hf_binding binding = HF_BINDING_HTTP; binding <= HF_BINDING_GRPC; ++binding) {
      WANT(hf_binding_write(binding, &event, nullptr, written, &count, out, sizeof out, &need,
                            &error) == HF_OK);
      WANT(hf_binding_write(binding, &event, nullptr, written, &count, nullptr, 0, &need, &error) ==
           HF_RESOURCE_EXHAUSTED);
    }
    hf_event_format format;
    WANT(hf_content_mode_of("application/cloudevents+json", 28, &format) == HF_CONTENT_STRUCTURED);
    WANT(hf_binding_read(HF_BINDING_HTTP, received, 3, nullptr, 0, nullptr, buffer, sizeof buffer,
                         &event, &report, &error) == HF_INVALID_ARGUMENT);
    WANT(hf_binding_read(HF_BINDING_HTTP, received, kCount, nullptr, 0, nullptr, buffer, 5, &event,
                         &report, &error) == HF_RESOURCE_EXHAUSTED);
  });
}

}  // namespace
