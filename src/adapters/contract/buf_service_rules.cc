// SPDX-License-Identifier: Apache-2.0
// buf's rules about services and their methods.
#include "adapters/contract/buf_rule.h"

namespace holdfast::inline v0_5::contract::buf {
namespace {

using MethodPair = Pair<pb::MethodDescriptor>;

void NoDelete(const Pair<pb::ServiceDescriptor>& pair, Findings* findings) {
  for (int i = 0; i < pair.older.method_count(); ++i) {
    const pb::MethodDescriptor& method = *pair.older.method(i);
    if (pair.newer.FindMethodByName(method.name()) != nullptr) continue;
    findings->Add(method.full_name(), PlaceOf(method), "the method is gone");
  }
}

void Compare(const MethodPair& pair, std::string_view what, std::string_view before,
             std::string_view after, Findings* findings) {
  if (before == after) return;
  findings->Add(pair.newer.full_name(), PlaceOf(pair.newer),
                "the " + std::string(what) + ": " + Became(before, after));
}

void SameRequestType(const MethodPair& pair, Findings* findings) {
  Compare(pair, "request", pair.older.input_type()->full_name(),
          pair.newer.input_type()->full_name(), findings);
}

void SameResponseType(const MethodPair& pair, Findings* findings) {
  Compare(pair, "response", pair.older.output_type()->full_name(),
          pair.newer.output_type()->full_name(), findings);
}

std::string_view Streams(bool streams) { return streams ? "stream" : "single message"; }

void SameClientStreaming(const MethodPair& pair, Findings* findings) {
  Compare(pair, "request", Streams(pair.older.client_streaming()),
          Streams(pair.newer.client_streaming()), findings);
}

void SameServerStreaming(const MethodPair& pair, Findings* findings) {
  Compare(pair, "response", Streams(pair.older.server_streaming()),
          Streams(pair.newer.server_streaming()), findings);
}

void SameIdempotencyLevel(const MethodPair& pair, Findings* findings) {
  const auto name = [](const pb::MethodDescriptor& method) {
    return pb::MethodOptions::IdempotencyLevel_Name(method.options().idempotency_level());
  };
  Compare(pair, "option idempotency_level", name(pair.older), name(pair.newer), findings);
}

constexpr Rule<pb::ServiceDescriptor> kServiceRules[] = {{"RPC_NO_DELETE", kSources, NoDelete}};

constexpr Rule<pb::MethodDescriptor> kMethodRules[] = {
    {"RPC_SAME_REQUEST_TYPE", kEvery, SameRequestType},
    {"RPC_SAME_RESPONSE_TYPE", kEvery, SameResponseType},
    {"RPC_SAME_CLIENT_STREAMING", kEvery, SameClientStreaming},
    {"RPC_SAME_SERVER_STREAMING", kEvery, SameServerStreaming},
    {"RPC_SAME_IDEMPOTENCY_LEVEL", kEvery, SameIdempotencyLevel},
};

}  // namespace

Rules<pb::ServiceDescriptor> ServiceRules() { return kServiceRules; }
Rules<pb::MethodDescriptor> MethodRules() { return kMethodRules; }

}  // namespace holdfast::inline v0_5::contract::buf
