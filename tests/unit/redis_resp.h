// SPDX-License-Identifier: Apache-2.0
// Replies of a server, read from the bytes that it would send.
#ifndef HOLDFAST_TESTS_UNIT_REDIS_RESP_H_
#define HOLDFAST_TESTS_UNIT_REDIS_RESP_H_

#include <hiredis/hiredis.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::testing {

using RespPtr = std::unique_ptr<redisReply, decltype(&freeReplyObject)>;

// Null: the bytes are no whole reply.
inline RespPtr Resp(std::string_view bytes) {
  const std::unique_ptr<redisReader, decltype(&redisReaderFree)> reader(redisReaderCreate(),
                                                                        &redisReaderFree);
  void* reply = nullptr;
  redisReaderFeed(reader.get(), bytes.data(), bytes.size());
  if (redisReaderGetReply(reader.get(), &reply) != REDIS_OK) reply = nullptr;
  return RespPtr(static_cast<redisReply*>(reply), &freeReplyObject);
}

inline std::string Bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}
inline std::string Number(int64_t number) { return ":" + std::to_string(number) + "\r\n"; }
inline std::string Array(const std::vector<std::string>& parts) {
  std::string all = "*" + std::to_string(parts.size()) + "\r\n";
  for (const std::string& part : parts) all += part;
  return all;
}

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_UNIT_REDIS_RESP_H_
