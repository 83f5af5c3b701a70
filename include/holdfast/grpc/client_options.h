// SPDX-License-Identifier: Apache-2.0
// What a caller may say of one guarded call over gRPC, whatever its kind and whoever waits for it.
#ifndef HOLDFAST_GRPC_CLIENT_OPTIONS_H_
#define HOLDFAST_GRPC_CLIENT_OPTIONS_H_

#include <holdfast/call_options.h>
#include <holdfast/context.h>
#include <holdfast/grpc/metadata.h>
#include <holdfast/timers.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace holdfast::inline v0_5::grpc {

struct ClientOptions {
  // Timeout, deadline, stop (which cancels the attempt under way), report, observer, clock: see
  // call_options.h. What it points to is borrowed until the call is over.
  CallOptions call = {};
  // 1..1024 bytes, the same for every attempt and every time the caller asks again. Sent to the server,
  // which must honour it (server.h does): it makes the call idempotent. Empty: none.
  std::string_view idempotency_key = {};
  // Sent with each attempt; none of holdfast's own keys. Checked before the first.
  std::span<const MetadataEntry> metadata = {};
  std::size_t metadata_budget =
      kMetadataBudget;                  // for all that is added here; bytes as HTTP/2 counts
  std::optional<Context> context = {};  // default Context::Current()
  bool wait_for_ready = false;  // a broken connection makes the attempt wait, up to its deadline
  bool* replayed = nullptr;     // set: whether the answer is a stored one
  bool* committed = nullptr;    // set: whether the last attempt's headers came (context_factory.h)
  // Streams that send: whether their messages can be made again, from the first on. False: an attempt that
  // has sent one is the last.
  bool resend = false;
  // What an asynchronous call waits with between its attempts; must be of the same time as call.clock.
  // Null: ProcessTimers() (timers.h), or the completion queue.
  Timers* timers = nullptr;
};

using UnaryOptions = ClientOptions;

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_CLIENT_OPTIONS_H_
