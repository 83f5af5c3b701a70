// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as what a server says, in pieces of any size, and as a URL: bounded work, no crash, and the same
// replies however the stream was cut.
#include <holdfast/redis/url.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/redis/gate.h"
#include "adapters/redis/wire.h"

namespace {

namespace redis = holdfast::redis;

void Print(const redisReply& reply, std::string* out) {
  *out += std::to_string(reply.type) + ":" + std::to_string(reply.integer) + ":";
  if (reply.type != REDIS_REPLY_ARRAY) *out += redis::TextOf(reply);
  for (const redisReply* element : redis::ElementsOf(reply)) Print(*element, out);
}

std::string Parse(std::string_view bytes, size_t piece) {
  redis::ReplyParser parser(4096);
  std::string all;
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    if (!parser.Feed(part)) break;
    while (redis::Reply reply = parser.Next()) Print(*reply, &all);
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size <= 4096 && Parse(bytes, 1) != Parse(bytes, size + 1)) std::abort();
  static_cast<void>(redis::ParseUrl(bytes));
  static_cast<void>(redis::ParseUrl("redis://" + std::string(bytes)));
  const std::string text(bytes);
  redisReply info{};
  info.type = REDIS_REPLY_STRING;
  info.str = const_cast<char*>(text.data());
  info.len = text.size();
  const redis::ServerFacts facts = redis::FactsOf(info, info);
  static_cast<void>(redis::Judge(facts, {}));
  if (redis::GuaranteeOf(facts, {}).why.empty()) std::abort();
  return 0;
}
