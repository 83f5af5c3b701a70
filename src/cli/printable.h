// SPDX-License-Identifier: Apache-2.0
// Text and JSON that may meet a terminal. What comes from files and stores was written by others: it is escaped first.
#ifndef HOLDFAST_CLI_PRINTABLE_H_
#define HOLDFAST_CLI_PRINTABLE_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace holdfast::cli {

// Control characters (C1 too), what is not UTF-8, and what hides or reorders text, as escapes.
std::string Printable(std::string_view text);
// The same for sentences: quotation marks stay as they are.
std::string PrintableText(std::string_view text);
// And the ends of lines.
std::string PrintableLines(std::string_view text);
// Whether it may meet a terminal as it is: nothing in it would be escaped but quotation marks, backslashes, tabs and the
// ends of lines.
bool IsHarmless(std::string_view text);

// One line of ASCII; invalid UTF-8 is replaced.
std::string Line(const nlohmann::json& value);

}  // namespace holdfast::cli

#endif  // HOLDFAST_CLI_PRINTABLE_H_
