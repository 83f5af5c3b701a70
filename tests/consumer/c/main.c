/* SPDX-License-Identifier: Apache-2.0 */
/* A plain C program against the installed package, by pkg-config. */
#include <holdfast/c/hf.h>
#include <stdio.h>

int main(void) {
  const uint32_t built = (HF_VERSION_MAJOR << 16) | (HF_VERSION_MINOR << 8) | HF_VERSION_PATCH;
  printf("holdfast %u.%u\n", hf_version() >> 16, (hf_version() >> 8) & 0xffu);
  return hf_version() == built ? 0 : 1;
}
