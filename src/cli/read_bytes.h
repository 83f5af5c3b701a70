// SPDX-License-Identifier: Apache-2.0
// What a word of the command line stands for, as bytes: a file, or `-` for standard input.
#ifndef HOLDFAST_CLI_READ_BYTES_H_
#define HOLDFAST_CLI_READ_BYTES_H_

#include <absl/status/statusor.h>

#include <cstddef>
#include <string>

namespace holdfast::cli {

// Never more than `most` bytes, and so never all of an endless one. Errors: kNotFound, kResourceExhausted, kDataLoss:
// all of them name the file.
absl::StatusOr<std::string> ReadBytes(const std::string& word, std::size_t most);

}  // namespace holdfast::cli

#endif  // HOLDFAST_CLI_READ_BYTES_H_
