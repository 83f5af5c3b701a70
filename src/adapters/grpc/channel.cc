// SPDX-License-Identifier: Apache-2.0
// Channel arguments and the client interceptor.
//
// The interceptor acts once, before the initial metadata is sent, on the caller's thread for blocking
// stubs; the context is taken when the call is made, which is the caller's thread for all of them. Where
// it refuses it hijacks the call: gRPC then asks it, and nobody else, for message and status.
#include <grpcpp/create_channel.h>
#include <holdfast/clock.h>
#include <holdfast/context.h>
#include <holdfast/grpc/channel.h>
#include <holdfast/grpc/context.h>
#include <holdfast/grpc/metadata.h>
#include <holdfast/grpc/status.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace holdfast::inline v0_5::grpc {
namespace {

namespace experimental = ::grpc::experimental;
using Hook = experimental::InterceptionHookPoints;

using SentMetadata = std::multimap<std::string, std::string>;

absl::Status CheckAllLegal(const SentMetadata& metadata) {
  for (const auto& [key, value] : metadata) {
    if (absl::Status legal = CheckWireLegal(key, value); !legal.ok()) return legal;
  }
  return absl::OkStatus();
}

// gRPC makes an interceptor for each call, and deletes it; the memory of a few stays with the thread.
class Recycled {
 public:
  static void* operator new(std::size_t size) {
    if (size > kBlock || spares_.count == 0) return ::operator new(std::max(size, kBlock));
    return spares_.blocks[--spares_.count];
  }
  static void operator delete(void* memory, std::size_t size) {
    static thread_local Sweeper sweeper;
    if (size > kBlock || spares_.closed || spares_.count == kMost) {
      return ::operator delete(memory);
    }
    spares_.blocks[spares_.count++] = memory;
  }

 private:
  static constexpr std::size_t kBlock = 128;
  static constexpr std::size_t kMost = 16;

  struct Spares {
    void* blocks[kMost];
    std::size_t count;
    bool closed;  // the thread ends
  };
  struct Sweeper {
    ~Sweeper() {
      while (spares_.count > 0) ::operator delete(spares_.blocks[--spares_.count]);
      spares_.closed = true;
    }
  };
  static inline thread_local constinit Spares spares_{};
};

// One that may refuse a call before it leaves.
class RefusingInterceptor : public experimental::Interceptor, public Recycled {
 public:
  void Intercept(experimental::InterceptorBatchMethods* methods) final {
    if (methods->QueryInterceptionHookPoint(Hook::PRE_SEND_INITIAL_METADATA)) {
      refusal_ = Admit(*methods->GetSendInitialMetadata());
      if (!refusal_.ok()) {
        methods->Hijack();  // calls back at once with the hooks below
        return;
      }
    }
    if (methods->QueryInterceptionHookPoint(Hook::PRE_RECV_MESSAGE)) {
      methods->FailHijackedRecvMessage();
    }
    if (methods->QueryInterceptionHookPoint(Hook::PRE_RECV_STATUS)) {
      *methods->GetRecvStatus() = refusal_;
    }
    methods->Proceed();
  }

 private:
  virtual ::grpc::Status Admit(SentMetadata& metadata) = 0;

  ::grpc::Status refusal_;
};

class ContextInterceptor final : public RefusingInterceptor {
 public:
  explicit ContextInterceptor(Context context) : context_(std::move(context)) {}

 private:
  ::grpc::Status Admit(SentMetadata& metadata) override {
    if (absl::Status legal = CheckAllLegal(metadata); !legal.ok()) return FromAbsl(legal);
    // A bare call retries nothing, so all that is left is for the layers below. Unary has told it already.
    const std::int32_t retries = context_.retries();
    if (retries != 0 && metadata.count(std::string(kRetriesKey)) == 0) {
      metadata.emplace(kRetriesKey, std::to_string(std::max(retries, 0)));
    }
    // One that is there was put there for this attempt, with its ids and deadline: by Unary, for one.
    if (metadata.count(std::string(kTraceparentKey)) > 0) return ::grpc::Status::OK;
    if (context_.deadline() != 0 && context_.deadline() <= Clock::Steady().Now()) {
      return RefusalStatus({absl::StatusCode::kDeadlineExceeded, HF_R_DEADLINE},
                           "the deadline of the context has passed");
    }
    const auto step = NextStep(context_);
    if (!step.ok()) return FromAbsl(step.status());
    for (auto& [key, value] : ContextEntries(*step)) {
      if (metadata.count(std::string(key)) == 0) metadata.emplace(key, std::move(value));
    }
    return ::grpc::Status::OK;
  }

  const Context context_;
};

// Last of a channel's own, because those between may add what they like.
class LegalityInterceptor final : public RefusingInterceptor {
  ::grpc::Status Admit(SentMetadata& metadata) override {
    return FromAbsl(CheckAllLegal(metadata));
  }
};

// Zero is gRPC's own; rounded up, and no longer than its arguments can say.
void SetPause(const char* key, Duration pause, ::grpc::ChannelArguments& arguments) {
  if (pause <= Duration{0}) return;
  const std::int64_t milliseconds = std::chrono::ceil<std::chrono::milliseconds>(pause).count();
  arguments.SetInt(key, static_cast<int>(std::min<std::int64_t>(milliseconds, INT_MAX)));
}

class Factory final : public experimental::ClientInterceptorFactoryInterface {
 public:
  experimental::Interceptor* CreateClientInterceptor(experimental::ClientRpcInfo*) override {
    return new ContextInterceptor(Context::Current());  // gRPC owns it
  }
};

class LegalityFactory final : public experimental::ClientInterceptorFactoryInterface {
 public:
  experimental::Interceptor* CreateClientInterceptor(experimental::ClientRpcInfo*) override {
    return new LegalityInterceptor;  // gRPC owns it
  }
};

}  // namespace

::grpc::ChannelArguments MakeChannelArguments(const ChannelOptions& options) {
  ::grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetMaxReceiveMessageSize(options.max_receive_bytes);
  arguments.SetMaxSendMessageSize(options.max_send_bytes);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, options.max_metadata_bytes);
  SetPause(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, options.reconnect_initial, arguments);
  SetPause(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, options.reconnect_min, arguments);
  SetPause(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, options.reconnect_max, arguments);
  return arguments;
}

absl::Status CheckRetriesOff(const ::grpc::ChannelArguments& arguments) {
  const grpc_channel_args raw = arguments.c_channel_args();
  bool off = false;
  for (std::size_t i = 0; i < raw.num_args; ++i) {
    const grpc_arg& argument = raw.args[i];
    if (argument.type != GRPC_ARG_INTEGER || argument.key == nullptr) continue;
    // gRPC takes the first of several values.
    if (std::string_view(argument.key) == GRPC_ARG_ENABLE_RETRIES) {
      off = argument.value.integer == 0;
      break;
    }
  }
  if (off) return absl::OkStatus();
  return MakeStatus(HF_FAILED_PRECONDITION, HF_R_BAD_OPTIONS,
                    "gRPC's own retries are on (" GRPC_ARG_ENABLE_RETRIES
                    " is not 0): a service config may make 5 requests of each attempt");
}

std::unique_ptr<experimental::ClientInterceptorFactoryInterface> ContextInterceptorFactory() {
  return std::make_unique<Factory>();
}

std::shared_ptr<::grpc::Channel> MakeChannel(
    const std::string& target, const std::shared_ptr<::grpc::ChannelCredentials>& credentials,
    const ChannelOptions& options,
    std::vector<std::unique_ptr<experimental::ClientInterceptorFactoryInterface>> more) {
  std::vector<std::unique_ptr<experimental::ClientInterceptorFactoryInterface>> factories;
  factories.push_back(ContextInterceptorFactory());
  const bool strangers = !more.empty();
  for (auto& factory : more) factories.push_back(std::move(factory));
  if (strangers) factories.push_back(std::make_unique<LegalityFactory>());
  return experimental::CreateCustomChannelWithInterceptors(
      target, credentials, MakeChannelArguments(options), std::move(factories));
}

}  // namespace holdfast::inline v0_5::grpc
