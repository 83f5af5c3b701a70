// SPDX-License-Identifier: Apache-2.0
// The story of one unlucky order, told by its correlation id across the processes.
#ifndef HOLDFAST_EXAMPLES_CHECKOUT_STORY_H_
#define HOLDFAST_EXAMPLES_CHECKOUT_STORY_H_

#include <string>

namespace checkout {

struct Story {
  unsigned order = 0;  // 0: no order met a fault
  std::string correlation;
  std::string text;  // lines for people
};

// The order that met the most kinds of fault in the run of `folder`, and what happened to it.
Story TellUnluckiest(const std::string& folder);
// What happened to that order in the run of another folder, in one line.
std::string TellInShort(const std::string& folder, unsigned order);

}  // namespace checkout

#endif  // HOLDFAST_EXAMPLES_CHECKOUT_STORY_H_
