// SPDX-License-Identifier: Apache-2.0
// KeepMetadataLegal: whatever a service adds to its answer, the process lives.
//
//   ::grpc::ServerBuilder builder;
//   holdfast::grpc::KeepMetadataLegal(builder);  // one line per server
//
// gRPC C++ aborts the process when a handler has put an upper-case key, a line feed or a letter outside ASCII
// into AddInitialMetadata or AddTrailingMetadata. Here such an entry is left out before gRPC looks at it, and
// the answer says how many were, by the trailer holdfast-dropped-metadata. Status messages and details need
// no such care: gRPC encodes them. Works for all APIs and kinds, with or without a guard.
#ifndef HOLDFAST_GRPC_SERVER_METADATA_H_
#define HOLDFAST_GRPC_SERVER_METADATA_H_

#include <grpcpp/server_builder.h>
#include <grpcpp/support/server_interceptor.h>

#include <memory>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::grpc {

inline constexpr std::string_view kDroppedTrailer = "holdfast-dropped-metadata";

using ServerInterceptorFactories =
    std::vector<std::unique_ptr<::grpc::experimental::ServerInterceptorFactoryInterface>>;

// Makes interceptors of the builder: `more` of yours, and then ours, which so sees what yours add. Replaces
// those the builder had, as gRPC's own function does.
void KeepMetadataLegal(::grpc::ServerBuilder& builder, ServerInterceptorFactories more = {});

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_SERVER_METADATA_H_
