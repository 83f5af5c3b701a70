// SPDX-License-Identifier: Apache-2.0
// The last look at what a server sends, before gRPC asserts on it. One small object per call, gRPC's.
#include <holdfast/grpc/metadata.h>
#include <holdfast/grpc/server_metadata.h>

#include <cstddef>
#include <map>
#include <string>
#include <utility>

namespace holdfast::inline v0_5::grpc {
namespace {

namespace experimental = ::grpc::experimental;
using Hook = experimental::InterceptionHookPoints;

class LegalMetadata final : public experimental::Interceptor {
 public:
  void Intercept(experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(Hook::PRE_SEND_INITIAL_METADATA)) {
      Sift(methods->GetSendInitialMetadata());
    }
    if (methods->QueryInterceptionHookPoint(Hook::PRE_SEND_STATUS)) {
      auto* const trailers = methods->GetSendTrailingMetadata();
      Sift(trailers);
      if (dropped_ > 0 && trailers != nullptr) {
        trailers->emplace(kDroppedTrailer, std::to_string(dropped_));
      }
    }
    methods->Proceed();
  }

 private:
  void Sift(std::multimap<std::string, std::string>* metadata) {
    if (metadata == nullptr) return;
    dropped_ += std::erase_if(*metadata, [](const auto& entry) {
      return !CheckWireLegal(entry.first, entry.second).ok();
    });
  }

  std::size_t dropped_ = 0;  // hooks of one call come one after the other
};

class Factory final : public experimental::ServerInterceptorFactoryInterface {
 public:
  experimental::Interceptor* CreateServerInterceptor(experimental::ServerRpcInfo*) override {
    return new LegalMetadata;  // gRPC owns it
  }
};

}  // namespace

void KeepMetadataLegal(::grpc::ServerBuilder& builder, ServerInterceptorFactories more) {
  more.push_back(std::make_unique<Factory>());
  builder.experimental().SetInterceptorCreators(std::move(more));
}

}  // namespace holdfast::inline v0_5::grpc
