// SPDX-License-Identifier: Apache-2.0
// See wire.h.
#include "adapters/redis/wire.h"

#include <holdfast/c/base.h>

#include <array>
#include <charconv>
#include <vector>

namespace holdfast::inline v0_5::redis {
namespace {

// Ours are a few; a page of SCAN is at most a few ten thousand.
constexpr int kMaxElements = 1 << 20;

const redisReplyObjectFunctions& Defaults() {
  static const redisReplyObjectFunctions functions = [] {
    redisReader* const reader = redisReaderCreate();
    if (reader == nullptr) return redisReplyObjectFunctions{};
    const redisReplyObjectFunctions found = *reader->fn;
    redisReaderFree(reader);
    return found;
  }();
  return functions;
}

// hiredis 0.14 allocates room for as many elements as a header promises.
void* CreateBoundedArray(const redisReadTask* task, int elements) {
  return elements > kMaxElements ? nullptr : Defaults().createArray(task, elements);
}

}  // namespace

Wire::Wire(std::span<const std::string_view> arguments) {
  constexpr size_t kUsual = 16;
  std::array<const char*, kUsual> usual_data;
  std::array<size_t, kUsual> usual_sizes;
  std::vector<const char*> many_data;
  std::vector<size_t> many_sizes;
  const char** data = usual_data.data();
  size_t* sizes = usual_sizes.data();
  if (arguments.size() > kUsual) {
    many_data.resize(arguments.size());
    many_sizes.resize(arguments.size());
    data = many_data.data();
    sizes = many_sizes.data();
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    data[i] = arguments[i].data();
    sizes[i] = arguments[i].size();
  }
  char* bytes = nullptr;
  const int size = redisFormatCommandArgv(&bytes, static_cast<int>(arguments.size()), data, sizes);
  if (size <= 0) return;
  bytes_.reset(bytes);
  size_ = static_cast<size_t>(size);
}

int64_t TimeOf(const redisReply& reply) {
  const auto parts = ElementsOf(reply);
  if (parts.size() != 2) return -1;
  int64_t numbers[2] = {0, 0};
  for (size_t i = 0; i < 2; ++i) {
    const std::string_view text = TextOf(*parts[i]);
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), numbers[i]);
    if (parsed.ec != std::errc{} || numbers[i] < 0 || numbers[i] > int64_t{1} << 33) return -1;
  }
  return numbers[0] * HF_S + numbers[1] * HF_US;
}

std::string_view WordOf(std::string_view error) { return error.substr(0, error.find(' ')); }

ReplyParser::ReplyParser(size_t max_reply_bytes)
    : max_reply_bytes_(max_reply_bytes), functions_(Defaults()), reader_(redisReaderCreate()) {
  if (reader_ == nullptr || functions_.createArray == nullptr) {
    Fail("out of memory");
    return;
  }
  functions_.createArray = CreateBoundedArray;
  reader_->fn = &functions_;
}

bool ReplyParser::Feed(std::string_view bytes) {
  if (!error_.empty()) return false;
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) {
    Fail(reader_->errstr);
    return false;
  }
  unfinished_ += bytes.size();
  return true;
}

Reply ReplyParser::Next() {
  if (!error_.empty()) return nullptr;
  void* reply = nullptr;
  if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
    Fail(reader_->errstr);
    return nullptr;
  }
  if (reply == nullptr) {
    if (unfinished_ > max_reply_bytes_) Fail("a reply larger than max_reply_bytes");
    return nullptr;
  }
  unfinished_ = reader_->len - reader_->pos;
  return Reply(static_cast<redisReply*>(reply));
}

void ReplyParser::Fail(std::string_view what) {
  error_ = "not a reply of Redis: " + std::string(what);
}

}  // namespace holdfast::inline v0_5::redis
