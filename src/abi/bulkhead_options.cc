// SPDX-License-Identifier: Apache-2.0
// hf_bulkhead_options, checked field by field.
#include <cmath>
#include <string_view>

#include "abi/bulkhead.h"

namespace holdfast::abi {
namespace {

constexpr std::string_view kCriticalityShare[] = {"criticality_share[0]", "criticality_share[1]",
                                                  "criticality_share[2]", "criticality_share[3]"};
constexpr std::string_view kPartitionShare[] = {
    "partition_share[0]", "partition_share[1]", "partition_share[2]", "partition_share[3]",
    "partition_share[4]", "partition_share[5]", "partition_share[6]", "partition_share[7]"};

engine::Millionths InMillionths(double share) {
  return static_cast<engine::Millionths>(std::llround(share * engine::kWhole));
}

// A share of which some must be left: 0 stands for all.
hf_code ReadShare(std::string_view field, double given, engine::Millionths* share,
                  hf_error* error) {
  if (given == 0) return HF_OK;
  const hf_code code = CheckReal(error, field, given, 1e-6, 1);
  if (code == HF_OK) *share = InMillionths(given);
  return code;
}

hf_code ReadPartitions(const hf_bulkhead_options& given, engine::SharePolicy* shares,
                       hf_error* error) {
  hf_code code = CheckRange(error, "partitions", given.partitions, 0, HF_BULKHEAD_PARTITIONS);
  if (code != HF_OK) return code;
  shares->partitions = given.partitions;
  double sum = 0;
  for (uint32_t i = 0; i < HF_BULKHEAD_PARTITIONS; ++i) {
    const double share = given.partition_share[i];
    const bool exists = i < given.partitions;
    code = CheckReal(error, kPartitionShare[i], share, 0, exists ? 1 : 0);
    if (code != HF_OK) return code;
    shares->guarantee[i] = InMillionths(share);
    sum += share;
  }
  if (sum <= 1 + 1e-9) return HF_OK;  // six times a sixth, rounded, is a little more
  return FailField(error, HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, "partition_share",
                   "more than 1 together");
}

hf_code ReadShares(const hf_bulkhead_options& given, engine::SharePolicy* shares, hf_error* error) {
  for (uint32_t i = 0; i < HF_CRITICALITIES; ++i) {
    const hf_code code =
        ReadShare(kCriticalityShare[i], given.criticality_share[i], &shares->room[i], error);
    if (code != HF_OK) return code;
  }
  const hf_code code = ReadShare("user_share", given.user_share, &shares->user, error);
  if (code != HF_OK) return code;
  return ReadPartitions(given, shares, error);
}

void ApplyOptions(const hf_bulkhead_options& given, engine::BulkheadPolicy* policy) {
  if (given.limit != 0) policy->limit = given.limit;
  policy->queue = given.queue;
  if (given.max_wait != 0) policy->max_wait = given.max_wait;
  if (given.order != 0) policy->order = given.order;
  policy->refuse_no_time = given.refuse_no_time != 0;
  if (given.target != 0) policy->codel.target = given.target;
  if (given.interval != 0) policy->codel.interval = given.interval;
}

hf_code CheckPolicy(const engine::BulkheadPolicy& policy, hf_error* error) {
  hf_code code = CheckRange(error, "limit", policy.limit, 1, kMostInBulkhead);
  if (code != HF_OK) return code;
  code = CheckRange(error, "queue", policy.queue, 0, kMostInBulkhead);
  if (code != HF_OK) return code;
  code = CheckRange(error, "max_wait", policy.max_wait, HF_US, 24 * 3600 * HF_S);
  if (code != HF_OK) return code;
  code = CheckRange(error, "order", policy.order, HF_BULKHEAD_FIFO, HF_BULKHEAD_CODEL_LIFO);
  if (code != HF_OK) return code;
  code = CheckRange(error, "target", policy.codel.target, HF_US, 3600 * HF_S);
  if (code != HF_OK) return code;
  return CheckRange(error, "interval", policy.codel.interval, HF_US, 3600 * HF_S);
}

}  // namespace

hf_code ReadBulkheadOptions(const hf_bulkhead_options* options, hf_bulkhead_options* known,
                            engine::BulkheadPolicy* policy, hf_error* error) noexcept {
  hf_code code = CopyIn(options, known, error);
  if (code != HF_OK) return code;
  ApplyOptions(*known, policy);
  code = CheckPolicy(*policy, error);
  if (code != HF_OK) return code;
  code = CheckRange(error, "refuse_no_time", known->refuse_no_time, 0, 1);
  if (code != HF_OK) return code;
  code = CheckReserved(error, "reserved0", known->reserved0);
  if (code != HF_OK) return code;
  return ReadShares(*known, &policy->shares, error);
}

}  // namespace holdfast::abi
