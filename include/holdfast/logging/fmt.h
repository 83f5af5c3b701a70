// SPDX-License-Identifier: Apache-2.0
// fmt: Redacted values as format arguments. Works with fmt 9 and later, and with the copy inside spdlog.
#ifndef HOLDFAST_LOGGING_FMT_H_
#define HOLDFAST_LOGGING_FMT_H_

#ifndef FMT_VERSION  // spdlog's own copy may be here already, and is then the one to use
#include <fmt/format.h>
#endif
#include <holdfast/redacted.h>

#include <string_view>

// Takes what a string takes, so that "{:>12}" stays right when a field becomes a secret.
template <class T>
struct fmt::formatter<holdfast::Redacted<T>, char> : fmt::formatter<fmt::string_view, char> {
  template <class FormatContext>
  auto format(const holdfast::Redacted<T>&, FormatContext& context) const {
    const std::string_view text = holdfast::kRedacted;
    return fmt::formatter<fmt::string_view, char>::format({text.data(), text.size()}, context);
  }
};

#endif  // HOLDFAST_LOGGING_FMT_H_
