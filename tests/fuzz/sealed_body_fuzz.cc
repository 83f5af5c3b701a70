// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a sealed body: they open only if they are what was sealed, and never cost more memory than a body may
// have. The first byte says what is done: the rest as it comes, or laid over a body that opens.
#include <holdfast/c/idempotency.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "adapters/sealed/sealed_body.h"

namespace {

using namespace holdfast::sealed;

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::array<std::uint8_t, SealingKey::kBytes> secret{};
  secret[0] = 1;
  const KeyFound key{.state = KeyState::kReady, .number = 1, .key = SealingKey(secret)};
  const std::array<std::uint8_t, 32> id{};
  const Place place{.key_id = id};
  const std::string_view given(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string bytes(given);
  if (data[0] % 2 == 1) {
    const std::array<std::uint8_t, kNonceBytes> nonce{};
    const std::string sealed =
        Seal(key, place, std::string(data[0] * 16, 'x'), data[0] % 4 == 1, nonce);
    bytes = sealed;
    for (std::size_t i = 0; i < given.size() && i < bytes.size(); ++i) bytes[i] ^= given[i];
    Header header;
    const bool opens = ReadHeader(bytes, &header) == Look::kSealed &&
                       Open(key.key, place, bytes, header).has_value();
    Require(opens == (bytes == sealed));
    return 0;
  }
  Header header;
  if (ReadHeader(bytes, &header) != Look::kSealed) return 0;
  Require(header.plain_size <= HF_IDEM_BODY_MAX);
  const auto opened = Open(key.key, place, bytes, header);
  Require(!opened || opened->size() == header.plain_size);
  return 0;
}
