// SPDX-License-Identifier: Apache-2.0
// Bytes for people: sixteen on a line, where they are, and as ASCII.
#ifndef HOLDFAST_CLI_ENVELOPE_HEX_LINES_H_
#define HOLDFAST_CLI_ENVELOPE_HEX_LINES_H_

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cli::envelope {

std::vector<std::string> HexLines(std::string_view bytes);

}  // namespace holdfast::cli::envelope

#endif  // HOLDFAST_CLI_ENVELOPE_HEX_LINES_H_
