// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a batch of events: each lies inside, after the one before; written with prefixes of ours they come out
// again; and reading goes on where it stopped.
#include <holdfast/c/envelope.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

// False: something is broken after them.
bool Events(const std::vector<char>& batch, std::vector<std::string_view>* events) {
  std::size_t at = 0;
  const char* end = batch.data();
  for (;;) {
    hf_str event{};
    hf_error error{};
    const std::size_t before = at;
    const hf_code code = hf_envelope_batch_next(batch.data(), batch.size(), &at, &event, &error);
    Require(code == error.code && at <= batch.size());
    if (code != HF_OK) {
      Require(code == HF_INVALID_ARGUMENT && event.data == nullptr);
      return false;
    }
    if (event.data == nullptr) return true;
    Require(at > before && event.data > end && event.data + event.size == batch.data() + at);
    end = event.data + event.size;
    events->emplace_back(event.data, event.size);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<char> batch(data, data + size);
  std::vector<std::string_view> events;
  const bool whole = Events(batch, &events);
  std::vector<char> written;
  for (const std::string_view event : events) {
    char prefix[HF_ENVELOPE_PREFIX];
    std::size_t prefix_size = 0;
    Require(hf_envelope_batch_prefix(event.size(), prefix, &prefix_size) == HF_OK);
    written.insert(written.end(), prefix, prefix + prefix_size);
    written.insert(written.end(), event.begin(), event.end());
  }
  Require(!whole || written.size() <= size);
  std::vector<std::string_view> again;
  Require(Events(written, &again) && again == events);
  return 0;
}
