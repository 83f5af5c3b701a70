// SPDX-License-Identifier: Apache-2.0
// Attributes and ids cost no memory, through the shared object too.
#include <holdfast/c/attribute.h>
#include <holdfast/uuid7.h>

#include "abi/heap_meter.h"

namespace holdfast {
namespace {

class AttributeHeap : public Heap {};

TEST_F(AttributeHeap, ChecksReadsAndWritesWithoutAllocating) {
  constexpr std::string_view kTexts[] = {"",     "true",    "-7",  "caf\xC3\xA9",
                                         "Zg==", "urn:a:b", "/b?", "2018-04-05T17:31:00.5+02:00"};
  char buffer[64], out[64];
  ExpectNoHeap([&] {
    for (hf_attribute_kind kind = 1; kind <= HF_ATTRIBUTE_TIMESTAMP; ++kind) {
      const std::string_view text = kTexts[kind];
      hf_attribute value{{"n", 1}, {nullptr, 0}, 0, 0, 0};
      WANT(hf_attribute_parse(kind, text.data(), text.size(), buffer, sizeof buffer, &value) ==
           HF_OK);
      hf_error error;
      WANT(hf_attribute_check(&value, &error) == HF_OK);
      size_t need = 0;
      WANT(hf_attribute_format(&value, out, sizeof out, &need) == HF_OK);
      WANT(need != 0);
    }
    const hf_attribute wrong{{"time", 4}, {"noon", 4}, 0, 0, HF_ATTRIBUTE_STRING};
    hf_error error;
    WANT(hf_attribute_check(&wrong, &error) == HF_INVALID_ARGUMENT);
    WANT(hf_attribute_kind_of("time", 4) == HF_ATTRIBUTE_TIMESTAMP);
  });
}

TEST_F(AttributeHeap, MakesIdsWithoutAllocating) {
  ExpectNoHeap([&] {
    const Uuid7 first;  // the generator of this thread begins
    const Uuid7 second;
    WANT(first < second);
    char text[HF_UUID_TEXT_SIZE];
    WANT(hf_uuid7_format(second.bytes().data(), text) == HF_OK);
    uint8_t id[HF_UUID_SIZE];
    WANT(hf_uuid7_parse(text, sizeof text, id) == HF_OK);
  });
}

}  // namespace
}  // namespace holdfast
