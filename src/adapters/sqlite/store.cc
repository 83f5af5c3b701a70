// SPDX-License-Identifier: Apache-2.0
// See store.h. Here: requests and joined work on the callers' side; operate.cc has what operators call, and
// writer.h is the other side.
#include <holdfast/c/idempotency.h>
#include <holdfast/sqlite/store.h>
#include <holdfast/status.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <string_view>
#include <utility>

#include "adapters/sqlite/options.h"
#include "adapters/sqlite/store_impl.h"

namespace holdfast::inline v0_5::sqlite {
namespace {

constexpr Duration kDefaultTtl = std::chrono::hours(24);
constexpr uint32_t kDefaultJoinedBody = 64 * 1024;
constexpr size_t kDigestSize = 32;

bool CarriesBody(const StoreRequest& request) {
  return request.verb == HF_STORE_COMPLETE || request.verb == HF_STORE_RESOLVE ||
         request.verb == HF_STORE_CHECKPOINT;
}

// A body above the store's limit is kept as its digest: what it tells has happened, never a reason not to
// record it. A checkpoint has not.
bool KeepsDigest(const StoreRequest& request, const Options& options) {
  return request.verb != HF_STORE_CHECKPOINT && request.truncated == HF_BODY_WHOLE &&
         request.body.size > options.max_body;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> Store::Open(Options options) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  FillDefaults(&options);
  auto impl = std::make_unique<Impl>(options);
  if (absl::Status status = impl->Start(); !status.ok()) return status;
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Store::~Store() = default;

// What the job needs of the request is copied: whoever asked may stop waiting.
StoreReply Store::Impl::Prepare(const StoreRequest& request, JobPtr* made) const {
  const bool body = CarriesBody(request) && request.body.data != nullptr;
  if (body && request.body.size > HF_IDEM_BODY_MAX) {
    return StorageReply(HF_STORE_UNAVAILABLE, "the body is larger than any store may keep");
  }
  const bool label = request.verb == HF_STORE_CLAIM && request.label.data != nullptr &&
                     request.label.size <= HF_RECORD_LABEL_MAX;
  const bool bad_label = request.verb == HF_STORE_CLAIM && !label && request.label.size > 0;
  if (bad_label) {
    return StorageReply(HF_STORE_UNAVAILABLE, "label: null, or larger than 2048 bytes");
  }
  auto job = std::make_shared<Job>(Job::Kind::kRequest);
  job->request = request;
  if (body && KeepsDigest(request, options_)) {
    job->bytes.resize(kDigestSize);
    hf_idem_fingerprint(request.body.data, request.body.size,
                        reinterpret_cast<uint8_t*>(job->bytes.data()));
    job->request.truncated = HF_BODY_DIGEST;
  } else if (body) {
    job->bytes.assign(request.body.data, request.body.size);
  }
  const size_t body_size = job->bytes.size();
  if (label) job->bytes.append(request.label.data, request.label.size);
  if (request.body.data != nullptr || request.body.size == 0) {
    job->request.body = hf_str{job->bytes.data(), body_size};
  }
  job->request.label = hf_str{job->bytes.data() + body_size, job->bytes.size() - body_size};
  *made = std::move(job);
  return {};
}

StoreReply Store::Execute(const StoreRequest& request, Duration timeout) {
  try {
    JobPtr job;
    StoreReply bad = impl_->Prepare(request, &job);
    return job == nullptr ? std::move(bad) : impl_->Run(job, timeout);
  } catch (const std::bad_alloc&) {
    return StorageReply(HF_STORE_OVERLOADED, {});
  }
}

bool Store::Submit(const StoreRequest& request, Duration timeout, StoreWaiter& waiter) {
  StoreReply refused;
  try {
    JobPtr job;
    refused = impl_->Prepare(request, &job);
    if (job != nullptr) {
      job->waiter = &waiter;
      job->deadline = impl_->DeadlineOf(timeout);
      const Refusal refusal = impl_->Enqueue({&job, 1}, nullptr);
      if (refusal.status == HF_STORE_OK) return true;
      refused = ReplyOf(refusal);
    }
  } catch (const std::bad_alloc&) {
    refused = StorageReply(HF_STORE_OVERLOADED, {});
  }
  waiter.OnReply(std::move(refused));
  return true;
}

std::vector<StoreReply> Store::ExecuteMany(std::span<const StoreRequest> requests,
                                           Duration timeout) {
  std::vector<StoreReply> replies(requests.size());
  std::vector<JobPtr> jobs;
  jobs.reserve(requests.size());
  const Deadline deadline = impl_->DeadlineOf(timeout);
  // Of the jobs only those that could be made; the others are answered here and now.
  std::vector<size_t> places;
  places.reserve(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    try {
      JobPtr job;
      replies[i] = impl_->Prepare(requests[i], &job);
      if (job == nullptr) continue;
      job->deadline = deadline;
      jobs.push_back(std::move(job));
      places.push_back(i);
    } catch (const std::bad_alloc&) {
      replies[i] = StorageReply(HF_STORE_OVERLOADED, {});
    }
  }
  size_t queued = 0;
  const Refusal refusal = impl_->CheckCaller();
  const Refusal full = refusal.status == HF_STORE_OK ? impl_->Enqueue(jobs, &queued) : refusal;
  const Deadline last = impl_->LastOf(deadline);
  for (size_t i = 0; i < jobs.size(); ++i) {
    replies[places[i]] = i < queued ? impl_->Await(jobs[i], last) : ReplyOf(full);
  }
  return replies;
}

Guarantee Store::guarantee() const {
  if (impl_->options().multi_process && HasWalResetBug(sqlite3_libversion_number())) {
    return {
        GuaranteeLevel::kProcess,
        std::string("SQLite ") + sqlite3_libversion() +
            " can lose or corrupt commits when two connections share a WAL; opened all the same by "
            "allow_multi_process_despite_wal_reset_bug"};
  }
  return {
      GuaranteeLevel::kDurable,
      std::string("SQLite ") + sqlite3_libversion() +
          ", WAL, synchronous=FULL: on disk before the answer, as far as the disk honours fsync; "
          "on "
          "this machine only. Work run by InTransaction is joined: rows and record in one commit"};
}

JoinedReply Store::RunJoined(const JoinedClaim& claim, const Work& work, Duration timeout) {
  return Join(HF_STORE_COMPLETE, claim, work, timeout);
}

JoinedReply Store::RunJoinedStep(const JoinedClaim& claim, const Work& work, Duration timeout) {
  return Join(HF_STORE_CHECKPOINT, claim, work, timeout);
}

JoinedReply Store::Join(hf_store_verb verb, const JoinedClaim& claim, const Work& work,
                        Duration timeout) {
  JoinedReply result;
  const auto job = std::make_shared<Job>(Job::Kind::kJoined);
  StoreRequest& request = job->request;
  request.verb = verb;
  request.on_expiry = HF_ON_EXPIRY_TAKEOVER;
  std::copy(std::begin(claim.key_id), std::end(claim.key_id), request.key_id);
  request.token = claim.token;
  request.ttl = (claim.ttl.count() == 0 ? kDefaultTtl : claim.ttl).count();
  request.effect = HF_EFFECT_FINAL;
  job->work = &work;
  job->max_body = claim.max_body == 0 ? kDefaultJoinedBody : claim.max_body;
  job->max_body = std::min(job->max_body, impl_->options().max_body);
  const Refusal refusal = impl_->Do(job, timeout);
  if (refusal.status == HF_STORE_OK) {
    if (job->thrown != nullptr) std::rethrow_exception(job->thrown);
    result.store = std::move(job->reply);
    result.work = std::move(job->status);
  } else {
    result.store = ReplyOf(refusal);
  }
  const bool unknown = result.store.raw.status == HF_STORE_INDETERMINATE;
  // Of a step nothing but its own row would tell, and that is the caller's.
  if (unknown && verb == HF_STORE_COMPLETE) ReadBack(claim, &result);
  if (result.store.raw.status == HF_STORE_OK) {
    // Also where the writer is still busy with it: it left these alone since it released the job.
    result.body = std::move(job->output);
    result.truncated = job->truncated;
  }
  return result;
}

// A commit of which nothing is known: by now the file may have been replayed, and says what it holds.
void Store::ReadBack(const JoinedClaim& claim, JoinedReply* result) {
  StoreRequest request{};
  request.verb = HF_STORE_READ;
  request.on_expiry = HF_ON_EXPIRY_IN_DOUBT;
  std::copy(std::begin(claim.key_id), std::end(claim.key_id), request.key_id);
  const StoreReply found = Execute(request, Duration{0});
  if (found.raw.status >= HF_STORE_UNAVAILABLE || found.raw.token != claim.token) return;
  if (found.raw.state == HF_RECORD_COMPLETED) result->store = StorageReply(HF_STORE_OK, "");
  if (found.raw.state == HF_RECORD_IN_PROGRESS) {
    result->store =
        StorageReply(HF_STORE_UNAVAILABLE, result->store.detail + "; read back: rolled back");
  }
}

namespace {

absl::Status StatusOf(const JoinedReply& result) {
  if (!result.work.ok()) return result.work;
  switch (result.store.raw.status) {
    case HF_STORE_ALREADY:
      return ToStatus(HF_STORE_FENCED,
                      "the claim is completed already; the work did not run again");
    case HF_STORE_FENCED:
      return ToStatus(HF_STORE_FENCED, "the claim is lost; the work did not run");
    default:
      return ToStatus(result.store.raw.status, result.store.detail);
  }
}

}  // namespace

absl::StatusOr<std::string> Store::InTransaction(const JoinedClaim& claim, const Work& work,
                                                 Duration timeout) {
  JoinedReply result = RunJoined(claim, work, timeout);
  if (absl::Status status = StatusOf(result); !status.ok()) return status;
  return std::move(result.body);
}

absl::Status Store::CheckpointInTransaction(const JoinedClaim& claim, const Work& work,
                                            Duration timeout) {
  return StatusOf(RunJoinedStep(claim, work, timeout));
}

absl::Status Store::Setup(const Script& script, Duration timeout) {
  return impl_->RunScript(Job::Kind::kSetup, script, timeout);
}

absl::Status Store::Read(const Script& script, Duration timeout) {
  return impl_->RunScript(Job::Kind::kRead, script, timeout);
}

Stats Store::stats() const { return impl_->stats(); }

}  // namespace holdfast::inline v0_5::sqlite
