// SPDX-License-Identifier: Apache-2.0
#include <holdfast/c/hf.h>

#include <cstdio>

int main() {
  std::printf("holdfast %u.%u\n", hf_version() >> 16, (hf_version() >> 8) & 0xffu);
  return hf_version() == 0 ? 1 : 0;
}
