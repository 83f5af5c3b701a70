// SPDX-License-Identifier: Apache-2.0
#include "cli/idem/explain_record.h"

#include <absl/strings/str_cat.h>
#include <holdfast/c/idempotency.h>

#include <algorithm>
#include <cstring>

#include "cli/idem/print_record.h"

namespace holdfast::cli::idem {
namespace {

using Sentences = std::vector<std::string>;

std::string Holder(const StoredRecord& stored) {
  const std::string owner = Printable(LabelOf(stored).owner);
  return owner.empty() ? "an owner that gave no name" : owner;
}

void ExplainLive(const StoredRecord& stored, int64_t now, Sentences* out) {
  out->push_back(absl::StrCat("In progress: ", Holder(stored), " holds it for another ",
                              DurationText(stored.record.lease_until - now), ", attempt ",
                              stored.record.attempt, "."));
  out->push_back("A duplicate is told BUSY until then.");
  out->push_back(
      "If that owner is known to be dead and to have done nothing: release --retry. Its late "
      "result, if one comes after all, is fenced.");
}

void ExplainLapsed(const StoredRecord& stored, int64_t now, Sentences* out) {
  out->push_back(absl::StrCat("Lapsed: ", Holder(stored), " held it until ",
                              DurationText(now - stored.record.lease_until),
                              " ago and never said how it ended. The effect may have happened."));
  switch (stored.record.on_expiry) {
    case HF_ON_EXPIRY_TAKEOVER:
      out->push_back("The next claim takes over and runs again, as its owner allowed.");
      break;
    case HF_ON_EXPIRY_RECONCILE:
      out->push_back("The next claim takes over, and first finds out whether it happened.");
      break;
    default:
      out->push_back(
          "The next claim is told IN_DOUBT: nobody runs it again until someone says what "
          "happened.");
      out->push_back(
          "Find out at the other side, by its key or token; then resolve --done FILE if it "
          "happened, --retry if not.");
      break;
  }
}

void ExplainDoubt(const StoredRecord& stored, Sentences* out) {
  out->push_back(absl::StrCat("In doubt after attempt ", stored.record.attempt, " (",
                              hf_code_name(stored.record.code),
                              "): the effect may have happened."));
  out->push_back("Every duplicate is told IN_DOUBT, for ever: this record never expires.");
  out->push_back(
      "Find out at the other side, by its key or token; then resolve --done FILE if it happened, "
      "--retry if not, --discard to forget the key.");
}

void ExplainRetryable(const StoredRecord& stored, int64_t now, Sentences* out) {
  const hf_record& record = stored.record;
  out->push_back(absl::StrCat("Failed with ", hf_code_name(record.code), " after ", record.attempt,
                              " attempts, and may run again."));
  out->push_back(record.not_before > now
                     ? absl::StrCat("A duplicate is told BACKOFF for another ",
                                    DurationText(record.not_before - now), ", then runs.")
                     : std::string("The next claim runs."));
}

void ExplainCompleted(const StoredRecord& stored, int64_t now, Sentences* out) {
  const hf_record& record = stored.record;
  out->push_back(absl::StrCat("Completed with ", hf_code_name(record.code), " ",
                              DurationText(now - record.completed_at), " ago."));
  if (record.expires_at <= now) {
    out->push_back("Past its time: the next claim runs anew, with a higher token.");
    return;
  }
  const std::string what = record.truncated == HF_BODY_DIGEST
                               ? "the digest of the result, which was too large"
                           : record.truncated == HF_BODY_REFERENCE ? "a reference to the result"
                                                                   : "the same result";
  out->push_back(absl::StrCat("A duplicate of the same request gets ", what, " for another ",
                              DurationText(record.expires_at - now),
                              "; another request under this key is a MISMATCH."));
}

}  // namespace

Sentences ExplainRecord(const StoredRecord& stored, int64_t store_now) {
  Sentences out;
  if (stored.damaged) {
    out.push_back(
        "Damaged: its check sum fails. It is neither believed nor overwritten; duplicates are told "
        "CORRUPT.");
    return out;
  }
  const hf_record& record = stored.record;
  switch (record.state) {
    case HF_RECORD_IN_PROGRESS:
      record.lease_until > store_now ? ExplainLive(stored, store_now, &out)
                                     : ExplainLapsed(stored, store_now, &out);
      break;
    case HF_RECORD_IN_DOUBT:
      ExplainDoubt(stored, &out);
      break;
    case HF_RECORD_RETRYABLE:
      ExplainRetryable(stored, store_now, &out);
      break;
    default:
      ExplainCompleted(stored, store_now, &out);
      break;
  }
  if (record.state != HF_RECORD_COMPLETED && stored.body_bytes > 0) {
    out.push_back(
        absl::StrCat("A checkpoint of ", stored.body_bytes, " bytes waits for the next owner."));
  }
  return out;
}

std::string ExplainRequest(const StoredRecord& stored, std::string_view request) {
  uint8_t fingerprint[32];
  hf_idem_fingerprint(request.data(), request.size(), fingerprint);
  const auto& kept = stored.record.fingerprint;
  if (std::all_of(std::begin(kept), std::end(kept), [](uint8_t byte) { return byte == 0; })) {
    return "The record keeps no fingerprint: any request matches.";
  }
  if (std::memcmp(kept, fingerprint, sizeof(fingerprint)) == 0) {
    return "This request is the one the key was used for.";
  }
  return "This request is not the one the key was used for, or its fingerprint is keyed: a claim "
         "with it is a MISMATCH.";
}

}  // namespace holdfast::cli::idem
