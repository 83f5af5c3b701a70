// SPDX-License-Identifier: Apache-2.0
// Wire: commands as bytes and bytes as replies; hiredis does both.
#ifndef HOLDFAST_ADAPTERS_REDIS_WIRE_H_
#define HOLDFAST_ADAPTERS_REDIS_WIRE_H_

#include <hiredis/hiredis.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5::redis {

// A command as it goes over the wire. Empty if there was no memory for it.
class Wire {
 public:
  Wire() = default;
  explicit Wire(std::span<const std::string_view> arguments);
  Wire(std::initializer_list<std::string_view> arguments)
      : Wire(std::span(arguments.begin(), arguments.size())) {}

  std::string_view bytes() const { return {bytes_.get(), size_}; }
  bool empty() const { return size_ == 0; }

 private:
  struct Free {
    void operator()(char* bytes) const { redisFreeCommand(bytes); }
  };
  std::unique_ptr<char, Free> bytes_;
  size_t size_ = 0;
};

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

inline bool IsError(const redisReply& reply) { return reply.type == REDIS_REPLY_ERROR; }
inline bool IsNil(const redisReply& reply) { return reply.type == REDIS_REPLY_NIL; }
inline bool IsString(const redisReply& reply) {
  return reply.type == REDIS_REPLY_STRING || reply.type == REDIS_REPLY_STATUS;
}
// Of a string, a status or an error; empty for all else.
inline std::string_view TextOf(const redisReply& reply) {
  return reply.str == nullptr ? std::string_view() : std::string_view(reply.str, reply.len);
}
inline std::span<redisReply* const> ElementsOf(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ARRAY) return {};
  return {reply.element, reply.elements};
}

// Of a reply to TIME: nanoseconds since the Unix epoch. Negative: it is none.
int64_t TimeOf(const redisReply& reply);

// The first word of an error: "NOSCRIPT", "OOM", "ERR", ...
std::string_view WordOf(std::string_view error);

// Replies out of a stream of bytes. What a server may make us keep is bounded before it is kept: bytes of
// one reply, and elements of one array. After a failure it is of no more use.
class ReplyParser {
 public:
  explicit ReplyParser(size_t max_reply_bytes);

  // False: the server does not speak RESP2, or says more than it may; see error().
  bool Feed(std::string_view bytes);
  // The next whole reply; null where there is none yet, or after a failure (then error() is not empty).
  Reply Next();
  const std::string& error() const { return error_; }

 private:
  struct FreeReader {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
  };
  void Fail(std::string_view what);

  const size_t max_reply_bytes_;
  redisReplyObjectFunctions functions_;
  std::unique_ptr<redisReader, FreeReader> reader_;
  size_t unfinished_ = 0;  // bytes since the last whole reply
  std::string error_;
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_WIRE_H_
