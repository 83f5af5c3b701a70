// SPDX-License-Identifier: Apache-2.0
// See store.h. Here: options, and the callers' side; writer.h is the other one.
#include <holdfast/sqlite/store.h>
#include <holdfast/status.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <string_view>
#include <utility>

#include "adapters/sqlite/connection.h"
#include "adapters/sqlite/queue.h"
#include "adapters/sqlite/writer.h"

namespace holdfast::inline v0_4::sqlite {
namespace {

constexpr Duration kDefaultBusyTimeout = std::chrono::seconds(1);
constexpr Duration kDefaultTimeout = std::chrono::seconds(5);
constexpr uint32_t kDefaultMaxBatch = 256;
constexpr uint32_t kLargestBatch = 4096;
constexpr uint32_t kDefaultMaxQueue = 16384;
constexpr size_t kDefaultQueueBytes = size_t{64} << 20;
constexpr uint32_t kDefaultPurge = 32;
constexpr uint32_t kDefaultCheckpointPages = 1000;
constexpr uint32_t kLargestCheckpointPages = 1000000;
constexpr Duration kDefaultTtl = std::chrono::hours(24);
constexpr uint32_t kDefaultJoinedBody = 64 * 1024;
constexpr size_t kDigestSize = 32;

int64_t SystemNow() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::max<int64_t>(0, std::chrono::duration_cast<Duration>(since_epoch).count());
}

absl::Status Bad(hf_reason reason, std::string_view text) {
  return MakeStatus(HF_INVALID_ARGUMENT, reason, text);
}

absl::Status CheckPath(const std::string& path) {
  if (path.empty()) return Bad(HF_R_OUT_OF_RANGE, "path: empty");
  if (path.find('\0') != std::string::npos) return Bad(HF_R_OUT_OF_RANGE, "path: holds a NUL");
  // SQLite would take these for something else than a file of that name.
  if (path.starts_with(":") || path.starts_with("file:")) {
    return Bad(HF_R_OUT_OF_RANGE,
               "path: not a plain file name (a store in memory: holdfast/memory)");
  }
  return absl::OkStatus();
}

absl::Status CheckOptions(const Options& options) {
  if (absl::Status status = CheckPath(options.path); !status.ok()) return status;
  if (options.busy_timeout.count() < 0) return Bad(HF_R_OUT_OF_RANGE, "busy_timeout: negative");
  if (options.default_timeout.count() < 0)
    return Bad(HF_R_OUT_OF_RANGE, "default_timeout: negative");
  if (options.settle_timeout.count() < 0) return Bad(HF_R_OUT_OF_RANGE, "settle_timeout: negative");
  if (options.max_batch > kLargestBatch) return Bad(HF_R_OUT_OF_RANGE, "max_batch: above 4096");
  if (options.max_body > HF_IDEM_BODY_MAX) return Bad(HF_R_OUT_OF_RANGE, "max_body: above 8 MiB");
  if (options.checkpoint_pages > kLargestCheckpointPages) {
    return Bad(HF_R_OUT_OF_RANGE, "checkpoint_pages: above 1000000");
  }
  if (options.allow_multi_process_despite_wal_reset_bug && !options.multi_process) {
    return Bad(HF_R_BAD_OPTIONS, "allow_multi_process_despite_wal_reset_bug without multi_process");
  }
  if (options.init_sql.find('\0') != std::string::npos) {
    return Bad(HF_R_OUT_OF_RANGE, "init_sql: holds a NUL");
  }
  if (!options.vfs.empty() && sqlite3_vfs_find(options.vfs.c_str()) == nullptr) {
    return Bad(HF_R_BAD_OPTIONS, "vfs: not registered");
  }
  const bool unsafe = options.multi_process && HasWalResetBug(sqlite3_libversion_number());
  if (unsafe && !options.allow_multi_process_despite_wal_reset_bug) {
    return MakeStatus(HF_FAILED_PRECONDITION, HF_R_BAD_OPTIONS,
                      std::string("multi_process: SQLite ") + sqlite3_libversion() +
                          " can lose or corrupt commits when two connections share a WAL (fixed in "
                          "3.51.3, 3.50.7 and 3.44.6)");
  }
  return absl::OkStatus();
}

template <typename Value>
void Default(Value* value, Value otherwise) {
  if (*value == Value{}) *value = otherwise;
}

void FillDefaults(Options* options) {
  Default(&options->busy_timeout, kDefaultBusyTimeout);
  Default(&options->default_timeout, kDefaultTimeout);
  Default(&options->settle_timeout, kDefaultTimeout);
  Default(&options->max_batch, kDefaultMaxBatch);
  Default(&options->max_queue, kDefaultMaxQueue);
  Default(&options->max_queue_bytes, kDefaultQueueBytes);
  Default(&options->max_body, HF_IDEM_BODY_MAX);
  Default(&options->purge_per_batch, kDefaultPurge);
  Default(&options->checkpoint_pages, kDefaultCheckpointPages);
  if (options->clock == nullptr) options->clock = SystemNow;
}

bool CarriesBody(const StoreRequest& request) {
  return request.verb == HF_STORE_COMPLETE || request.verb == HF_STORE_RESOLVE;
}

struct Refusal {
  hf_store_status status = HF_STORE_OK;
  const char* detail = "";
};

}  // namespace

class Store::Impl {
 public:
  explicit Impl(const Options& options)
      : options_(options),
        queue_(std::make_shared<Queue>(options.max_queue, options.max_queue_bytes)),
        writer_(options, queue_) {}
  ~Impl() { queue_->Close(); }  // the writer then drains it and ends

  absl::Status Start() {
    if (absl::Status status = writer_.Open(); !status.ok()) return status;
    return writer_.Start();
  }

  // Hands the job over and waits. OK: the job is done, read its result. Else nothing of it may be read,
  // the writer may still be at it.
  Refusal Submit(const JobPtr& job, Duration timeout) {
    if (writer_.IsThisThread()) {
      return {HF_STORE_UNAVAILABLE, "called from work that runs inside this store"};
    }
    if (timeout.count() == 0) timeout = options_.default_timeout;
    const Deadline now = std::chrono::steady_clock::now();
    job->deadline = timeout > Deadline::max() - now ? Deadline::max() : now + timeout;
    const std::shared_ptr<Queue> queue = queue_;
    switch (queue->Push(job)) {
      case HF_STORE_OK:
        break;
      case HF_STORE_OVERLOADED:
        return {HF_STORE_OVERLOADED, "too many requests wait"};
      default:
        return {HF_STORE_UNAVAILABLE, "the store is closing"};
    }
    switch (queue->Wait(job, options_.settle_timeout)) {
      case HF_STORE_OK:
        return {};
      case HF_STORE_UNAVAILABLE:
        return {HF_STORE_UNAVAILABLE, "the timeout ended while the request was queued"};
      default:
        return {HF_STORE_INDETERMINATE, "the timeout ended while the commit was under way"};
    }
  }

  absl::Status RunScript(Job::Kind kind, const Script& script, Duration timeout) {
    const auto job = std::make_shared<Job>(kind);
    job->script = &script;
    const Refusal refusal = Submit(job, timeout);
    if (refusal.status != HF_STORE_OK) return ToStatus(refusal.status, refusal.detail);
    if (job->thrown != nullptr) std::rethrow_exception(job->thrown);
    return job->status;
  }

  const Options& options() const { return options_; }
  Stats stats() const { return writer_.stats(); }

 private:
  const Options options_;
  const std::shared_ptr<Queue> queue_;
  Writer writer_;
};

absl::StatusOr<std::unique_ptr<Store>> Store::Open(Options options) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  FillDefaults(&options);
  auto impl = std::make_unique<Impl>(options);
  if (absl::Status status = impl->Start(); !status.ok()) return status;
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Store::~Store() = default;

StoreReply Store::Execute(const StoreRequest& request, Duration timeout) {
  const bool body = CarriesBody(request) && request.body.data != nullptr;
  if (body && request.body.size > HF_IDEM_BODY_MAX) {
    return StorageReply(HF_STORE_UNAVAILABLE, "the body is larger than any store may keep");
  }
  try {
    const auto job = std::make_shared<Job>(Job::Kind::kRequest);
    job->request = request;
    if (body) job->request_body.assign(request.body.data, request.body.size);
    if (body && request.truncated == 0 && request.body.size > impl_->options().max_body) {
      // What it tells has happened: never a reason not to record it.
      job->request_body.resize(kDigestSize);
      hf_idem_fingerprint(request.body.data, request.body.size,
                          reinterpret_cast<uint8_t*>(job->request_body.data()));
      job->request.truncated = 1;
    }
    if (request.body.data != nullptr || request.body.size == 0) {
      job->request.body = hf_str{job->request_body.data(), job->request_body.size()};
    }
    const Refusal refusal = impl_->Submit(job, timeout);
    if (refusal.status != HF_STORE_OK) return StorageReply(refusal.status, refusal.detail);
    return std::move(job->reply);
  } catch (const std::bad_alloc&) {
    StoreReply reply;
    reply.raw.status = HF_STORE_OVERLOADED;
    return reply;
  }
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
  JoinedReply result;
  const auto job = std::make_shared<Job>(Job::Kind::kJoined);
  StoreRequest& request = job->request;
  request.verb = HF_STORE_COMPLETE;
  request.on_expiry = HF_ON_EXPIRY_TAKEOVER;
  std::copy(std::begin(claim.key_id), std::end(claim.key_id), request.key_id);
  request.token = claim.token;
  request.ttl = (claim.ttl.count() == 0 ? kDefaultTtl : claim.ttl).count();
  request.effect = HF_EFFECT_FINAL;
  job->work = &work;
  job->max_body = claim.max_body == 0 ? kDefaultJoinedBody : claim.max_body;
  job->max_body = std::min(job->max_body, impl_->options().max_body);
  const Refusal refusal = impl_->Submit(job, timeout);
  if (refusal.status == HF_STORE_OK) {
    if (job->thrown != nullptr) std::rethrow_exception(job->thrown);
    result.store = std::move(job->reply);
    result.work = std::move(job->status);
  } else {
    result.store = StorageReply(refusal.status, refusal.detail);
  }
  if (result.store.raw.status == HF_STORE_INDETERMINATE) ReadBack(claim, &result);
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

absl::StatusOr<std::string> Store::InTransaction(const JoinedClaim& claim, const Work& work,
                                                 Duration timeout) {
  JoinedReply result = RunJoined(claim, work, timeout);
  if (!result.work.ok()) return result.work;
  switch (result.store.raw.status) {
    case HF_STORE_OK:
      return std::move(result.body);
    case HF_STORE_ALREADY:
      return ToStatus(HF_STORE_FENCED,
                      "the claim is completed already; the work did not run again");
    case HF_STORE_FENCED:
      return ToStatus(HF_STORE_FENCED, "the claim is lost; the work did not run");
    default:
      return ToStatus(result.store.raw.status, result.store.detail);
  }
}

absl::Status Store::Setup(const Script& script, Duration timeout) {
  return impl_->RunScript(Job::Kind::kSetup, script, timeout);
}

absl::Status Store::Read(const Script& script, Duration timeout) {
  return impl_->RunScript(Job::Kind::kRead, script, timeout);
}

Stats Store::stats() const { return impl_->stats(); }

}  // namespace holdfast::inline v0_4::sqlite
