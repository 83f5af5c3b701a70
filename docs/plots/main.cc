// SPDX-License-Identifier: Apache-2.0
// Prints the numbers behind the figures of docs/primitives, one "figure,series,x,y" per line. All of them
// come from the library's own objects in virtual time and with fixed seeds: each run prints the same.
#include "world.h"

int main() {
  holdfast::plots::Retry();
  holdfast::plots::Breaker();
  holdfast::plots::Bulkheads();
  holdfast::plots::Adaptive();
  holdfast::plots::Throttles();
  holdfast::plots::Limiter();
  holdfast::plots::Hedges();
  return 0;
}
