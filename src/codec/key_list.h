// SPDX-License-Identifier: Apache-2.0
// A short list of keys by which members of a header are chosen, to the letter; "*" is every key.
#ifndef HOLDFAST_CODEC_KEY_LIST_H_
#define HOLDFAST_CODEC_KEY_LIST_H_

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::codec {

class KeyList {
 public:
  void Add(std::string_view key) {
    if (key == "*") {
      all_ = true;
    } else {
      keys_.emplace_back(key);
    }
  }

  bool empty() const { return keys_.empty() && !all_; }
  bool all() const { return all_; }

  bool Contains(std::string_view key) const {
    return all_ || std::find(keys_.begin(), keys_.end(), key) != keys_.end();
  }

 private:
  std::vector<std::string> keys_;
  bool all_ = false;
};

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_KEY_LIST_H_
