// SPDX-License-Identifier: Apache-2.0
// See culprit.h. What the last answer contradicts is told by the last answered write before it.
#include "chaos/culprit.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>

namespace holdfast::chaos {
namespace {

constexpr size_t kLines = 40;

bool Wrote(const Operation& operation) {
  if (!operation.answered) return false;
  const hf_store_status status = operation.reply.status;
  return status == HF_STORE_WON || status == HF_STORE_RECONCILE || status == HF_STORE_OK;
}

bool Completed(const Operation& operation) {
  const Event& request = operation.request;
  return request.verb == HF_STORE_COMPLETE ||
         (request.verb == HF_STORE_RESOLVE && request.effect == HF_EFFECT_FINAL);
}

const Operation* LastWriteBefore(const std::vector<Operation>& operations, const Operation& end) {
  const Operation* last = nullptr;
  for (const Operation& operation : operations) {
    if (&operation == &end || !Wrote(operation) || operation.returned >= end.returned) continue;
    if (last == nullptr || operation.returned > last->returned) last = &operation;
  }
  return last;
}

bool GivenByAnyone(const std::vector<Operation>& operations, uint64_t body) {
  return std::any_of(operations.begin(), operations.end(), [&](const Operation& operation) {
    return Completed(operation) && operation.request.body == body;
  });
}

// To another winner, and no later than the culprit asked: that one, or a higher one.
bool TokenWasGivenBefore(const std::vector<Operation>& operations, const Operation& culprit) {
  return std::any_of(operations.begin(), operations.end(), [&](const Operation& operation) {
    return operation.answered && operation.request.verb == HF_STORE_CLAIM &&
           operation.returned < culprit.request.at &&
           operation.request.nonce != culprit.request.nonce &&
           operation.reply.token >= culprit.reply.token;
  });
}

const Operation& Culprit(const std::vector<Operation>& operations) {
  return *std::max_element(operations.begin(), operations.end(),
                           [](const Operation& a, const Operation& b) {
                             return (a.answered ? a.returned : 0) < (b.answered ? b.returned : 0);
                           });
}

std::string Line(const Operation& operation, int64_t origin) {
  const Event& request = operation.request;
  const auto at = [&](int64_t moment) {
    return moment == kForever
               ? std::string("ever")
               : absl::StrFormat("%.3f", static_cast<double>(moment - origin) / HF_MS);
  };
  std::string line = absl::StrFormat("  %10s .. %-10s log %-3d %-10s", at(request.at),
                                     at(operation.returned), operation.log, VerbName(request.verb));
  if (request.verb == HF_STORE_CLAIM) {
    absl::StrAppendFormat(&line, " nonce %02x%02x%02x policy %d lease %d ms", request.nonce[0],
                          request.nonce[1], request.nonce[2], request.on_expiry,
                          request.lease / HF_MS);
  }
  if (request.token != 0) absl::StrAppend(&line, " token ", request.token);
  if (request.body != 0) absl::StrAppendFormat(&line, " body %08x", request.body >> 32);
  if (!operation.answered) return line + " -> ?";
  const Event& reply = operation.reply;
  absl::StrAppend(&line, " -> ", StatusName(reply.status), " token ", reply.token);
  if (reply.attempt != 0) absl::StrAppend(&line, " attempt ", reply.attempt);
  if (reply.body != 0) absl::StrAppendFormat(&line, " body %08x", reply.body >> 32);
  return line;
}

}  // namespace

std::string KindOf(const std::vector<Operation>& operations) {
  const Operation& culprit = Culprit(operations);
  const Operation* const before = LastWriteBefore(operations, culprit);
  const hf_store_status status = culprit.reply.status;
  if (status == HF_STORE_REPLAY) {
    return GivenByAnyone(operations, culprit.reply.body) ? "stale replay" : "wrong bytes";
  }
  if (before != nullptr && Completed(*before)) return "lost complete";
  if (status != HF_STORE_WON && status != HF_STORE_RECONCILE) {
    return absl::StrCat("impossible ", StatusName(status), " to ", VerbName(culprit.request.verb));
  }
  return TokenWasGivenBefore(operations, culprit) ? "token reuse" : "double Won";
}

std::string Story(const std::vector<Operation>& operations) {
  if (operations.empty()) return "";
  const int64_t origin = operations.front().request.at;
  const Operation& culprit = Culprit(operations);
  const size_t first = operations.size() > kLines ? operations.size() - kLines : 0;
  std::string story = absl::StrFormat("key %016x: milliseconds of invocation and return\n",
                                      __builtin_bswap64(operations.front().request.key));
  if (first > 0) absl::StrAppend(&story, "  ... ", first, " operations before\n");
  for (size_t i = first; i < operations.size(); ++i) {
    absl::StrAppend(&story, Line(operations[i], origin),
                    &operations[i] == &culprit ? "   <- impossible" : "", "\n");
  }
  return story;
}

}  // namespace holdfast::chaos
