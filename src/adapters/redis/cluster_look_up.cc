// SPDX-License-Identifier: Apache-2.0
// See cluster_router.h. Here: how the map of the cluster is looked up.
#include <holdfast/entropy.h>
#include <holdfast/status.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "adapters/redis/cluster_router.h"

namespace holdfast::inline v0_5::redis {
namespace {

using std::chrono::steady_clock;

constexpr Duration kOneAnswer = std::chrono::seconds(2);
constexpr Duration kWithoutReason = std::chrono::seconds(15);  // a look-up nobody asked for
constexpr Duration kUnused = std::chrono::seconds(60);         // besides what an answer may take

}  // namespace

// Asks one node after another until one gives a map that can be used.
class ClusterRouter::LookUp final : public Exchange, public std::enable_shared_from_this<LookUp> {
 public:
  LookUp(std::shared_ptr<ClusterRouter> router, std::vector<NodeAddress> candidates)
      : router_(std::move(router)), candidates_(std::move(candidates)) {}

  void AskNext() {
    if (next_ == candidates_.size()) {
      return router_->EndLookUp(MakeStatus(HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE,
                                           "no node tells the cluster's slots; " + last_error_));
    }
    asked_ = candidates_[next_++];
    wire = Wire({"CLUSTER", "SLOTS"});
    deadline = steady_clock::now() + kOneAnswer;
    self_ = shared_from_this();
    const NodeId node = router_->map_.Find(asked_);
    Exchange* const question[] = {this};
    if (node == kNoNode || router_->SubmitTo(node, question) != Accepted::kYes) Fail("not asked");
  }

  void OnReply(Reply reply, int /*confirmed*/) override {
    const absl::Status status = router_->TakeMap(*reply, asked_);
    if (!status.ok()) {
      return Fail(IsError(*reply) ? std::string(TextOf(*reply)) : std::string(status.message()));
    }
    const std::shared_ptr<LookUp> self = std::move(self_);
    router_->EndLookUp(absl::OkStatus());
  }
  void OnLost(const Loss& loss) override { Fail(loss.why); }

 private:
  // Not from inside OnLost: a connection that is going down would take the next question with it.
  void Fail(const std::string& why) {
    last_error_ = ToText(asked_) + ": " + why;
    boost::asio::post(router_->io_, [self = std::move(self_)] { self->AskNext(); });
  }

  const std::shared_ptr<ClusterRouter> router_;
  const std::vector<NodeAddress> candidates_;
  size_t next_ = 0;
  NodeAddress asked_;
  std::string last_error_ = "there is none to ask";
  std::shared_ptr<LookUp> self_;  // while it is under way
};

void ClusterRouter::Start(std::function<void(const absl::Status&)> done) {
  boost::asio::post(io_, [self = shared_from_this(), done = std::move(done)]() mutable {
    self->on_start_ = std::move(done);
    self->WantMap();
  });
}

void ClusterRouter::BeginLookUp() {
  counters_.look_ups.fetch_add(1);
  std::vector<NodeAddress> candidates;
  for (const NodeId node : map_.Masters()) {
    if (auto address = map_.AddressOf(node)) candidates.push_back(*std::move(address));
  }
  // A fleet must not all ask the same node.
  if (!candidates.empty()) {
    const auto first = static_cast<std::ptrdiff_t>(FreshSeed() % candidates.size());
    std::rotate(candidates.begin(), candidates.begin() + first, candidates.end());
  }
  candidates.insert(candidates.end(), config_.seeds.begin(), config_.seeds.end());
  std::make_shared<LookUp>(shared_from_this(), std::move(candidates))->AskNext();
}

absl::Status ClusterRouter::TakeMap(const redisReply& reply, const NodeAddress& asked) {
  const absl::StatusOr<Topology> topology = ParseTopology(reply, asked);
  if (!topology.ok()) return topology.status();
  size_t fewest = SIZE_MAX;
  for (const SlotRange& range : *topology) fewest = std::min(fewest, range.replicas.size());
  fewest_replicas_.store(static_cast<uint32_t>(fewest));
  map_.Replace(*topology);
  return absl::OkStatus();
}

void ClusterRouter::EndLookUp(const absl::Status& status) {
  refresh_.Done();
  next_look_up_ = steady_clock::now() + kWithoutReason;
  if (auto done = std::exchange(on_start_, nullptr)) done(status);
  if (stopped_.load()) return;
  const Duration answer = config_.server.round_trip_timeout + config_.replication.timeout;
  DropUnused(steady_clock::now() - kUnused - answer);
  if (status.ok()) ResumeMoved();
  LookUpIfDue();
  ArmPace();
}

}  // namespace holdfast::inline v0_5::redis
