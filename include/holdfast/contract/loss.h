// SPDX-License-Identifier: Apache-2.0
// LossReport: what of a payload did not survive a conversion, by the names of its fields.
//
// Fields are compared by name, each at its path ("customer.address.zip"; of lists and maps all elements as one): what
// was set before should be set afterwards. A value that moved to another name counts as gone, unless the edge says so.
#ifndef HOLDFAST_CONTRACT_LOSS_H_
#define HOLDFAST_CONTRACT_LOSS_H_

#include <google/protobuf/message.h>
#include <holdfast/contract/version_number.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::contract {

enum class LossKind : std::uint8_t {
  kGone,       // no field has the value any more
  kDefaulted,  // there is a field of this name, and it is not set
  kUnknown,    // the value is still among the bytes, as a field that this version does not know
};
std::string_view Name(LossKind kind);  // "gone", "defaulted", "unknown"

struct Loss {
  LossKind kind{};
  VersionNumber from;  // of the step
  VersionNumber to;
  std::string
      field;  // its path; "customer.#17" is one that `from` did not know; empty: the whole event
};
// "1.1 -> 2.0: customer.fax: gone"
std::string Text(const Loss& loss);

struct LossReport {
  static constexpr std::size_t kMaxFields = 4096;

  std::vector<Loss> losses;  // in the order of the steps
  bool truncated = false;    // a payload had more set fields than kMaxFields: there may be more
};

// Appends what was set in `before` and is in none of `after`, the outcome of one step; all of the latter are messages
// of one type. Of `moved` fields, and of what is in them, nothing is said. Thread-safe.
void FindLosses(const google::protobuf::Message& before,
                std::span<const google::protobuf::Message* const> after,
                std::span<const std::string> moved, VersionNumber from, VersionNumber to,
                LossReport* report);

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_LOSS_H_
