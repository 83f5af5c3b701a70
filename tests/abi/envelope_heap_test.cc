// SPDX-License-Identifier: Apache-2.0
//
// No function of envelopes and attributes allocates: seen from outside (heap_meter.h), in success and in refusal.
#include <gtest/gtest.h>
#include <holdfast/c/envelope.h>

#include <cstring>
#include <string>
#include <string_view>

#include "abi/heap_meter.h"

namespace {

hf_str Str(std::string_view text) { return {text.data(), text.size()}; }

TEST_F(Heap, NoFunctionOfAnEnvelopeAllocates) {
  ExpectNoHeap([&] {
    hf_attribute attributes[HF_ENVELOPE_ATTRIBUTES] = {
        {Str("subject"), Str("order-1"), 0, 0, HF_ATTRIBUTE_STRING},
        {Str("dataschema"), Str("https://[::1]:8080/x?y"), 0, 0, HF_ATTRIBUTE_URI},
        {Str("time"), Str("2024-01-01T00:00:00Z"), 0, 0, HF_ATTRIBUTE_STRING},
        {Str("anything"), Str("\xE2\x82\xAC"), 0, 0, HF_ATTRIBUTE_STRING},
    };
    hf_envelope event = HF_INIT(hf_envelope);
    event.id = Str("id-1");
    event.source = Str("/here");
    event.type = Str("acme.placed");
    event.attributes = attributes;
    event.attribute_count = 4;
    event.attribute_capacity = HF_ENVELOPE_ATTRIBUTES;
    event.data = Str("\xE2\x82\xAC text");
    event.data_kind = HF_DATA_TEXT;
    hf_envelope_limits limits = HF_INIT(hf_envelope_limits);
    hf_error error{};
    char bytes[512];
    size_t size = 0, head = 0, at = 0, prefix = 0;
    WANT(hf_envelope_check(&event, &limits, &error) == HF_OK);
    WANT(hf_envelope_encode_head(&event, &limits, bytes, sizeof bytes, &head, &error) == HF_OK);
    WANT(hf_envelope_encode(&event, &limits, bytes, 8, &size, &error) == HF_RESOURCE_EXHAUSTED);
    WANT(hf_envelope_encode(&event, &limits, bytes, sizeof bytes, &size, &error) == HF_OK);
    WANT(hf_envelope_decode(bytes, size, &limits, &event, &error) == HF_OK);
    WANT(hf_envelope_decode_head(bytes, head, size, &limits, &event, &error) == HF_OK);
    WANT(hf_envelope_find(&event, "anything", 8) != nullptr);
    for (size_t cut = 1; cut < size; ++cut) {
      WANT(hf_envelope_decode(bytes, size - cut, &limits, &event, &error) != HF_OK ||
           event.data_kind == HF_DATA_NONE);
    }
    attributes[1] = attributes[0];
    event.attribute_count = 2;
    WANT(hf_envelope_check(&event, &limits, &error) == HF_INVALID_ARGUMENT);
    char batch[HF_ENVELOPE_PREFIX + 8];
    hf_str found{};
    WANT(hf_envelope_batch_prefix(3, batch, &prefix) == HF_OK);
    std::memcpy(batch + prefix, "abc", 3);
    WANT(hf_envelope_batch_next(batch, prefix + 3, &at, &found, &error) == HF_OK);
    WANT(hf_envelope_batch_next(batch, prefix + 1, &(at = 0), &found, &error) != HF_OK);
  });
}

}  // namespace
