// SPDX-License-Identifier: Apache-2.0
// A CloudEvents event in protobuf's format <-> hf_envelope (c/envelope.h, which has the format and the rules).
//
//   decode   the fields one after the other, in place; then check
//   check    every rule of the event as a whole; what each value may be is attribute.h's
//   encode   check; the size; then one pass into the caller's buffer
//
// So reader and writer refuse the same. No function allocates.
#ifndef HOLDFAST_CODEC_ENVELOPE_H_
#define HOLDFAST_CODEC_ENVELOPE_H_

#include <holdfast/c/envelope.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "codec/envelope_fault.h"

namespace holdfast::codec {

inline constexpr std::uint64_t kMaxEventSize = 0x7FFFFFFF;

struct EnvelopeLimits {
  std::uint64_t max_size = std::uint64_t{1} << 20;
  std::uint32_t max_attributes = HF_ENVELOPE_ATTRIBUTES;
  std::uint32_t max_text = 8192;
};

// Makes it hold no event.
void ClearEnvelope(hf_envelope* out);

// Reads an event of `size` bytes that begins with `head` into *out, which holds none; its struct_size, abi_level,
// attributes and attribute_capacity stay. False, with *out empty and *fault filled, if it is refused.
bool DecodeEnvelope(std::string_view head, std::size_t size, const EnvelopeLimits& limits,
                    hf_envelope* out, EnvelopeFault* fault);

// Whether reader and writer take the event, but for its size as a whole. `at_hand`: how many bytes of the data may be
// looked at, if not all of them.
bool CheckEnvelope(const hf_envelope& envelope, std::size_t at_hand, const EnvelopeLimits& limits,
                   EnvelopeFault* fault);

// How many bytes a checked event has when it is written, the data's own among them.
std::size_t SizeOfEnvelope(const hf_envelope& envelope);

// Writes all of a checked event but the data's own bytes, which come last. Returns the end of what was written.
char* WriteEnvelopeHead(const hf_envelope& envelope, char* out);

// The next event of a batch of events (CloudEventBatch) from byte *at on; event->data is null after the last one.
bool NextOfBatch(std::string_view batch, std::size_t* at, hf_str* event, EnvelopeFault* fault);

// What stands before an event of `size` bytes in a batch; returns its size, HF_ENVELOPE_PREFIX at most.
std::size_t WriteBatchPrefix(std::size_t size, char* out);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_ENVELOPE_H_
