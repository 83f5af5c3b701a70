// SPDX-License-Identifier: Apache-2.0
// c/uuid7.h over the codec. Locking: none. Memory: the caller's.
#include "codec/uuid7.h"

#include <holdfast/c/uuid7.h>

#include <algorithm>
#include <cstddef>
#include <new>

#include "abi/session.h"

namespace abi = holdfast::abi;
namespace codec = holdfast::codec;

namespace {

constexpr uint64_t kKind = 0x4855554944372031;  // a copied generator would give every id twice

// A live hf_uuid7.
struct Started {
  uint64_t tag;
  codec::Uuid7Generator generator;
};
static_assert(sizeof(Started) <= sizeof(hf_uuid7) && alignof(Started) <= alignof(hf_uuid7));
static_assert(offsetof(Started, generator) == sizeof(uint64_t));

}  // namespace

hf_code hf_uuid7_start(hf_uuid7* generator, const uint8_t* entropy) noexcept {
  if (generator == nullptr || entropy == nullptr) return HF_INVALID_ARGUMENT;
  const uint8_t* const end = entropy + HF_UUID7_ENTROPY;
  if (std::all_of(entropy, end, [](uint8_t byte) { return byte == 0; })) {
    return HF_INVALID_ARGUMENT;
  }
  new (generator) Started{abi::SessionTag(generator, kKind), codec::Uuid7Generator(entropy)};
  return HF_OK;
}

hf_code hf_uuid7_next(hf_uuid7* generator, int64_t unix_ms, uint8_t* id) noexcept {
  if (generator == nullptr || id == nullptr) return HF_INVALID_ARGUMENT;
  if (unix_ms < 0 || static_cast<uint64_t>(unix_ms) > codec::kUuidMsMax) return HF_INVALID_ARGUMENT;
  if (!abi::IsLive(generator, kKind)) return HF_FAILED_PRECONDITION;
  auto* const started = std::launder(reinterpret_cast<Started*>(generator));
  codec::Uuid7Fields fields;
  if (!started->generator.Next(static_cast<uint64_t>(unix_ms), &fields)) {
    return HF_RESOURCE_EXHAUSTED;
  }
  codec::PackUuid7(fields, id);
  return HF_OK;
}

hf_code hf_uuid7_format(const uint8_t* id, char* text) noexcept {
  if (id == nullptr || text == nullptr) return HF_INVALID_ARGUMENT;
  codec::FormatUuid(id, text);
  return HF_OK;
}

hf_code hf_uuid7_parse(const char* text, size_t size, uint8_t* id) noexcept {
  if (text == nullptr || id == nullptr) return HF_INVALID_ARGUMENT;
  return codec::ParseUuid({text, size}, id) ? HF_OK : HF_INVALID_ARGUMENT;
}
