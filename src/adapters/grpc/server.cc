// SPDX-License-Identifier: Apache-2.0
// The guard itself, and how messages become the record's bytes.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/unknown_field_set.h>
#include <holdfast/grpc/decorate.h>
#include <holdfast/grpc/server.h>
#include <holdfast/grpc/status.h>
#include <holdfast/v1/refusal.pb.h>

#include <memory>
#include <string>
#include <utility>

namespace holdfast::inline v0_5::grpc {
namespace {

absl::Status CheckPart(std::string_view field, std::string_view part) {
  if (part.size() <= HF_IDEM_PART_MAX) return absl::OkStatus();
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE,
                    std::string(field) + ": longer than 256 bytes");
}

absl::Status CheckNotNegative(std::string_view field, Duration duration) {
  if (duration >= Duration{0}) return absl::OkStatus();
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, std::string(field) + ": negative");
}

}  // namespace

absl::StatusOr<Guard> Guard::Create(Options options) {
  if (absl::Status s = CheckPart("space", options.space); !s.ok()) return s;
  const std::pair<std::string_view, Duration> durations[] = {
      {"lease", options.lease},
      {"ttl", options.ttl},
      {"max_wait", options.max_wait},
      {"deadline_margin", options.deadline_margin},
      {"retry_after", options.retry_after}};
  for (const auto& [field, duration] : durations) {
    if (absl::Status s = CheckNotNegative(field, duration); !s.ok()) return s;
  }
  if (options.max_body > HF_IDEM_BODY_MAX) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "max_body: above 8 MiB");
  }
  if (options.on_expiry == OnExpiry::kReconcile) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS,
                      "on_expiry: a guard has nobody who could reconcile");
  }
  for (const auto& [name, policy] : options.methods) {
    const std::string field = "methods[" + name.substr(0, 256) + "]";
    if (absl::Status s = CheckPart(field, name); !s.ok()) return s;
    if (absl::Status s = CheckNotNegative(field + ".retry_after", policy.retry_after); !s.ok()) {
      return s;
    }
    if (policy.key == KeyRule::kRequired && options.store == nullptr) {
      return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS,
                        field + ".key: required, and the guard has no store");
    }
  }
  if (options.clock == nullptr) options.clock = &Clock::Steady();
  return Guard(std::make_shared<internal::GuardState>(std::move(options)));
}

absl::Status Guard::CheckMethods() const {
  const std::lock_guard lock(state_->claims_mutex);
  for (const auto& [name, policy] : state_->options.methods) {
    if (state_->claims.count(name) > 0) continue;
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE,
                      "methods[" + name + "]: no decorated service has this method");
  }
  return absl::OkStatus();
}

void Guard::Drain(Duration retry_after) const {
  const Duration told = retry_after > Duration{0} ? retry_after : state_->options.retry_after;
  state_->drain_retry_after.store(told.count(), std::memory_order_relaxed);
  state_->gate.Close();
}

GuardedMethod::GuardedMethod(const Guard& guard, std::string_view full_name,
                             SideEffects side_effects, bool fit)
    : guard_(guard),
      method_(internal::FindMethod(guard.state(), full_name, side_effects == SideEffects::kNone)) {
  method_.unfit = !fit;
  if (method_.policy == nullptr) return;
  const std::lock_guard lock(guard.state().claims_mutex);
  guard.state().claims.emplace(full_name);
}

absl::StatusOr<std::string> BodyOf(Answer answer) {
  if (answer.outcome.code == HF_OK) return std::move(answer.body);
  v1::StoredRefusal refusal;
  refusal.ParseFromString(answer.body);
  return MakeStatus(answer.outcome.code, HF_R_NONE, refusal.message());
}

namespace internal {

std::string DeterministicBytes(const ::google::protobuf::MessageLite& message) {
  std::string bytes;
  ::google::protobuf::io::StringOutputStream stream(&bytes);
  ::google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializePartialToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

std::string MessageWire::RequestBytes() const { return DeterministicBytes(request_); }

// Not deterministic on purpose: gRPC serialises the same object the same way again.
std::string MessageWire::ResponseBytes() { return response_->SerializePartialAsString(); }

bool MessageWire::Replay(const std::string& stored) {
  if (!response_->ParsePartialFromString(stored)) return false;
  if (response_->SerializePartialAsString() == stored) return true;
  // A map came out in another order. As unknown fields the bytes keep theirs; nobody reads the message
  // any more, it is only sent.
  response_->Clear();
  auto* const fields = response_->GetReflection()->MutableUnknownFields(response_);
  return fields->ParseFromString(stored) && response_->SerializePartialAsString() == stored;
}

Answer AnswerOf(const ::grpc::Status& status, hf_effect effect, Wire& wire) {
  Answer answer;
  answer.outcome = OutcomeOf(status);
  if (status.ok()) {
    answer.body = wire.ResponseBytes();
    return answer;
  }
  if (effect != HF_EFFECT_DERIVE) answer.outcome.effect = effect;
  v1::StoredRefusal refusal;
  refusal.set_message(status.error_message());
  refusal.set_details(status.error_details());
  answer.body = refusal.SerializeAsString();
  return answer;
}

}  // namespace internal
}  // namespace holdfast::inline v0_5::grpc
