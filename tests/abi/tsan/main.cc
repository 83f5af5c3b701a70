// SPDX-License-Identifier: Apache-2.0
//
// Steps the canary library from two threads, with nothing else between them.
#include <thread>

extern "C" void canary_step(int steps);

int main() {
  canary_step(1);  // the object exists before the threads do
  std::thread one(canary_step, 2000), two(canary_step, 2000);
  one.join();
  two.join();
}
