// SPDX-License-Identifier: Apache-2.0
// The store of docs/primitives/store.md, word for word, so that it is held to what every store must do.
#ifndef HOLDFAST_TESTS_STORE_OWN_STORE_H_
#define HOLDFAST_TESTS_STORE_OWN_STORE_H_

#include <holdfast/store.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

class OwnStore final : public holdfast::Store {
 public:
  explicit OwnStore(std::function<int64_t()> clock = SystemNow) : clock_(std::move(clock)) {}

  holdfast::StoreReply Execute(const holdfast::StoreRequest& request,
                               holdfast::Duration /*timeout*/) override {
    std::array<uint8_t, 32> id;
    std::copy_n(request.key_id, id.size(), id.begin());
    const std::lock_guard lock(mutex_);  // one atomic step, from the look to the write

    const auto found = rows_.find(id);
    hf_record old{}, next{};
    if (found != rows_.end()) {
      old = found->second.record;
      old.body = {found->second.body->data(), found->second.body->size()};
      old.label = {found->second.label.data(), found->second.label.size()};
    }
    hf_record_change change = HF_RECORD_KEEP;
    holdfast::StoreReply reply;
    if (hf_record_apply(found != rows_.end() ? &old : nullptr, &request, clock_(), token_floor_,
                        &next, &change, &reply.raw) == HF_INVALID_ARGUMENT) {
      return holdfast::StorageReply(HF_STORE_UNAVAILABLE, "an unsound request");
    }
    if (reply.raw.body.data != nullptr) {  // what it points to may be overwritten: share it
      reply.body = found->second.body;
      reply.raw.body = {reply.body->data(), reply.body->size()};
    }
    if (change == HF_RECORD_WRITE) {
      Row row{next, std::make_shared<const std::string>(Text(next.body)), Text(next.label)};
      rows_.insert_or_assign(id, std::move(row));
    }
    if (change == HF_RECORD_ERASE) {  // a token must not come back with the key
      token_floor_ = std::max(token_floor_, next.token);
      rows_.erase(id);
    }
    return reply;
  }

  holdfast::Guarantee guarantee() const override {
    return {holdfast::GuaranteeLevel::kProcess, "a map in this process"};
  }

 private:
  struct Row {
    hf_record record{};
    std::shared_ptr<const std::string> body;
    std::string label;
  };

  static std::string Text(const hf_str& bytes) {
    return bytes.size == 0 ? std::string() : std::string(bytes.data, bytes.size);
  }
  static int64_t SystemNow() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  }

  std::function<int64_t()> clock_;
  std::mutex mutex_;
  std::map<std::array<uint8_t, 32>, Row> rows_;
  uint64_t token_floor_ = 0;
};

#endif  // HOLDFAST_TESTS_STORE_OWN_STORE_H_
