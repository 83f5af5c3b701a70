// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a record's label: what is read is written to a label that fits a record and reads the same again.
#include <holdfast/record_label.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

std::string Written(const holdfast::RecordLabel& label) {
  return holdfast::EncodeRecordLabel({.tenant = label.tenant,
                                      .operation = label.operation,
                                      .owner = label.owner,
                                      .space = label.space,
                                      .key_form = label.key_form,
                                      .key = label.key});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto label =
      holdfast::DecodeRecordLabel(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!label) return 0;
  const std::string once = Written(*label);
  Require(once.size() <= HF_RECORD_LABEL_MAX);
  const auto back = holdfast::DecodeRecordLabel(once);
  Require(back.has_value() && Written(*back) == once);
  return 0;
}
