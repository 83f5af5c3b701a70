// SPDX-License-Identifier: Apache-2.0
// Deprecation over gRPC: the same three headers as over HTTP (deprecation.h), as trailers of an answer.
//
//   // In a handler, for a client that sent an old version; DeprecationOf is the contract adapter's.
//   AddDeprecationTrailers(*context, budget, contract::DeprecationOf(version)).IgnoreError();
//
// An answer is worth more than what is said about its future: who has no room left for it leaves it out.
#ifndef HOLDFAST_GRPC_DEPRECATION_H_
#define HOLDFAST_GRPC_DEPRECATION_H_

#include <absl/status/status.h>
#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>
#include <holdfast/deprecation.h>
#include <holdfast/grpc/metadata.h>

namespace holdfast::inline v0_5::grpc {

// All trailers of a deprecation, or none. Errors: as WriteDeprecation, and as MetadataBudget::Take.
absl::Status AddDeprecationTrailers(::grpc::ServerContextBase& context, MetadataBudget& budget,
                                    const Deprecation& deprecation);

// What a server said of its future; `context` must outlive it. After the call has ended only: gRPC asserts on it before.
DeprecationReading ReadDeprecationTrailers(const ::grpc::ClientContext& context);

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_DEPRECATION_H_
