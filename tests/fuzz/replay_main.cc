// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target over every file of the folders (or files) named on the command line, so that
// each finding in the committed corpus stays fixed under any compiler, with no fuzzing engine.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

bool Replay(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::vector<char> text((std::istreambuf_iterator<char>(in)), {});
  // An exact-size heap block, so that a sanitizer sees the first byte read too far.
  const std::vector<uint8_t> bytes(text.begin(), text.end());
  return !in.bad() && LLVMFuzzerTestOneInput(bytes.data(), bytes.size()) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      if (!Replay(argv[i])) return 1;
      ++count;
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      if (!Replay(entry.path())) {
        std::fprintf(stderr, "failed: %s\n", entry.path().c_str());
        return 1;
      }
      ++count;
    }
  }
  std::printf("replayed %zu inputs\n", count);
  if (count == 0) std::fprintf(stderr, "no input: an empty corpus proves nothing\n");
  return count == 0 ? 1 : 0;
}
