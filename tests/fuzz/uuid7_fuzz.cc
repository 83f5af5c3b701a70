// SPDX-License-Identifier: Apache-2.0
// Any bytes as a UUID: what reads is written as itself, in lower case.
#include <holdfast/c/uuid7.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  std::uint8_t id[HF_UUID_SIZE];
  if (hf_uuid7_parse(text.data(), text.size(), id) != HF_OK) return 0;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char byte) { return byte >= 'A' && byte <= 'F' ? byte + ('a' - 'A') : byte; });
  std::string written(HF_UUID_TEXT_SIZE, '\0');
  if (hf_uuid7_format(id, written.data()) != HF_OK || written != text) std::abort();
  return 0;
}
