// SPDX-License-Identifier: Apache-2.0
// See cluster_router.h. Here: trips, and the connections they use; cluster_look_up.cc has the map.
#include "adapters/redis/cluster_router.h"

#include <holdfast/entropy.h>
#include <holdfast/status.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "adapters/redis/cluster_trip.h"

namespace holdfast::inline v0_5::redis {
namespace {

using std::chrono::steady_clock;

constexpr Duration kPauseBase = std::chrono::milliseconds(10);
constexpr Duration kPauseCap = std::chrono::milliseconds(250);
constexpr Duration kBetweenLookUps = std::chrono::milliseconds(50);

hf_time ToTime(SteadyTime time) {
  return std::chrono::duration_cast<Duration>(time.time_since_epoch()).count();
}

}  // namespace

void ClusterRouter::Trip::OnReply(Reply reply, int confirmed) {
  const std::string_view error = IsError(*reply) ? TextOf(*reply) : std::string_view();
  const Step step = route_.OnFate(Fate::kAnswered, error);
  if (step == Step::kAnswered) return Answer(std::move(reply), confirmed);
  loss_ = {.sent = false, .why = std::string(error)};
  router_.GoOn(*this, step);
}

void ClusterRouter::Trip::OnLost(const Loss& loss) {
  loss_ = loss;
  router_.GoOn(*this, route_.OnFate(loss.sent ? Fate::kLost : Fate::kNotSent, {}));
}

bool ClusterRouter::Trip::Wrote(const redisReply& reply) const { return inner_.Wrote(reply); }

// Both end the trip: what they call may destroy what was sent, or send it again.
void ClusterRouter::Trip::Answer(Reply reply, int confirmed) {
  const std::unique_ptr<Trip> self(this);
  inner_.wire = std::move(wire);
  inner_.OnReply(std::move(reply), confirmed);
}

void ClusterRouter::Trip::Lose(const Loss& loss) {
  const std::unique_ptr<Trip> self(this);
  inner_.wire = std::move(wire);
  inner_.OnLost(loss);
}

ClusterRouter::ClusterRouter(boost::asio::io_context& io, Config config)
    : io_(io), config_(std::move(config)), refresh_(kBetweenLookUps), pace_(io) {
  auto backoff = RetryPolicy::Create({.base = kPauseBase, .cap = kPauseCap});
  if (backoff.ok()) backoff_ = *std::move(backoff);
}

ClusterRouter::~ClusterRouter() = default;

Router::Accepted ClusterRouter::Submit(const Routed& routed) {
  if (stopped_.load()) return Accepted::kStopped;
  Trip* const trip = new Trip(*this, *routed.exchange, routed.slot);
  if (trip->route().Begin() != Step::kSend) {
    PauseLater(*trip);
    return Accepted::kYes;
  }
  const auto connection = ConnectionTo(trip->route().node(), routed.slot);
  const Accepted accepted = connection->Submit(*trip);
  if (accepted != Accepted::kYes) trip->Withdraw();
  return accepted;
}

void ClusterRouter::Submit(std::span<const Routed> all, std::span<Accepted> accepted) {
  if (stopped_.load()) return std::fill(accepted.begin(), accepted.end(), Accepted::kStopped);
  std::map<std::shared_ptr<Connection>, std::vector<size_t>> groups;
  std::vector<Trip*> trips(all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    accepted[i] = Accepted::kYes;
    trips[i] = new Trip(*this, *all[i].exchange, all[i].slot);
    if (trips[i]->route().Begin() == Step::kSend) {
      groups[ConnectionTo(trips[i]->route().node(), all[i].slot)].push_back(i);
    } else {
      PauseLater(*trips[i]);
    }
  }
  for (const auto& [connection, indices] : groups) {
    std::vector<Exchange*> group;
    group.reserve(indices.size());
    for (const size_t i : indices) group.push_back(trips[i]);
    const Accepted said = connection->Submit(group);
    if (said == Accepted::kYes) continue;
    for (const size_t i : indices) {
      accepted[i] = said;
      trips[i]->Withdraw();
    }
  }
}

void ClusterRouter::Continue(const Routed& routed) {
  Trip& trip = *new Trip(*this, *routed.exchange, routed.slot);
  Resume(trip);
}

int64_t ClusterRouter::EstimateNow() const {
  const std::lock_guard lock(nodes_mutex_);
  int64_t latest = 0;
  for (const auto& [id, node] : nodes_) {
    for (const std::shared_ptr<Connection>& connection : node.connections) {
      const ServerClock& clock = connection->clock();
      if (clock.known()) latest = std::max(latest, clock.Now());
    }
  }
  return latest;
}

Router::Accepted ClusterRouter::SubmitTo(NodeId node, std::span<Exchange* const> exchanges) {
  if (stopped_.load() || !map_.AddressOf(node)) return Accepted::kStopped;
  return ConnectionTo(node, 0)->Submit(exchanges);
}

std::shared_ptr<Connection> ClusterRouter::Serving(uint16_t slot) {
  const NodeId owner = map_.OwnerOf(slot);
  return owner == kNoNode ? nullptr : ConnectionTo(owner, slot);
}

std::shared_ptr<Connection> ClusterRouter::ConnectionTo(NodeId node, uint32_t slot) {
  const std::lock_guard lock(nodes_mutex_);
  Node& entry = nodes_[node];
  entry.used = steady_clock::now();
  while (entry.connections.size() < config_.connections) {
    Server server = config_.server;
    const NodeAddress address = map_.AddressOf(node).value_or(NodeAddress{});
    server.host = address.host;
    server.port = address.port;
    auto connection =
        std::make_shared<Connection>(io_, std::move(server), config_.tls, config_.replication,
                                     config_.owner_of(node), config_.counters);
    if (stopped_.load()) {
      connection->Stop();
    } else {
      connection->Start();
    }
    entry.connections.push_back(std::move(connection));
  }
  const size_t preferred = slot % entry.connections.size();
  for (size_t i = 0; i < entry.connections.size(); ++i) {
    const auto& connection = entry.connections[(preferred + i) % entry.connections.size()];
    if (connection->ready()) return connection;
  }
  return entry.connections[preferred];
}

void ClusterRouter::GoOn(Trip& trip, Step step) {
  if (trip.route().stale()) WantMap();
  switch (step) {
    case Step::kSend:
      (trip.route().asking() ? counters_.asked : counters_.moved).fetch_add(1);
      return Send(trip);
    case Step::kPause:
      return Pause(trip);
    case Step::kLost:
      return trip.Lose(trip.loss());
    default:
      return Refuse(trip);
  }
}

void ClusterRouter::Send(Trip& trip) {
  if (stopped_.load() || trip.deadline <= steady_clock::now()) return Refuse(trip);
  trip.asking = trip.route().asking();
  ConnectionTo(trip.route().node(), trip.slot())->Continue(trip);
}

void ClusterRouter::PauseLater(Trip& trip) {
  boost::asio::post(io_, [self = shared_from_this(), &trip] { self->Pause(trip); });
}

void ClusterRouter::Pause(Trip& trip) {
  counters_.pauses.fetch_add(1);
  if (trip.route().stale()) WantMap();
  auto delay = backoff_.Delay(trip.route().pauses(), FreshSeed(), Duration{0});
  const SteadyTime until = steady_clock::now() + (delay.ok() ? *delay : kPauseCap);
  const bool crowded = paused_.size() >= config_.server.max_queue;
  if (stopped_.load() || crowded || until >= trip.deadline) return Refuse(trip);
  paused_.emplace(until, &trip);
  ArmPace();
}

// Not from inside what asked for it: whoever hears of a refusal may go on with the next of many at once, which is
// refused as well.
void ClusterRouter::Refuse(Trip& trip) {
  Loss loss{.sent = false, .why = trip.route().why(), .retry_after = trip.loss().retry_after};
  if (stopped_.load()) loss.why = "the store was closed";
  if (!trip.loss().why.empty()) loss.why += ": " + trip.loss().why;
  if (loss.retry_after == Duration{0}) loss.retry_after = kPauseCap;
  boost::asio::post(io_, [&trip, loss = std::move(loss)] { trip.Lose(loss); });
}

void ClusterRouter::Resume(Trip& trip) {
  const Step step = trip.route().Begin();
  if (step == Step::kSend) return Send(trip);
  GoOn(trip, step);
}

// Trips whose slot has gone elsewhere need not wait any longer.
void ClusterRouter::ResumeMoved() {
  std::vector<Trip*> moved;
  for (auto paused = paused_.begin(); paused != paused_.end();) {
    const NodeId owner = map_.OwnerOf(paused->second->slot());
    if (owner == kNoNode || owner == paused->second->route().node()) {
      ++paused;
      continue;
    }
    moved.push_back(paused->second);
    paused = paused_.erase(paused);
  }
  for (Trip* const trip : moved) Resume(*trip);
}

void ClusterRouter::ArmPace() {
  if (stopped_.load()) return;
  SteadyTime next = next_look_up_;
  if (!paused_.empty()) next = std::min(next, paused_.begin()->first);
  if (refresh_.due()) next = std::min(next, SteadyTime(Duration(refresh_.earliest())));
  pace_.expires_at(next);
  pace_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->OnPace();
  });
}

void ClusterRouter::OnPace() {
  const SteadyTime now = steady_clock::now();
  if (now >= next_look_up_) refresh_.Want();
  std::vector<Trip*> over;
  while (!paused_.empty() && paused_.begin()->first <= now) {
    over.push_back(paused_.begin()->second);
    paused_.erase(paused_.begin());
  }
  LookUpIfDue();
  for (Trip* const trip : over) Resume(*trip);
  ArmPace();
}

void ClusterRouter::AskForMap() {
  boost::asio::post(io_, [self = shared_from_this()] { self->WantMap(); });
}

void ClusterRouter::WantMap() {
  refresh_.Want();
  LookUpIfDue();
}

void ClusterRouter::LookUpIfDue() {
  if (stopped_.load()) return;
  if (refresh_.Take(ToTime(steady_clock::now()))) return BeginLookUp();
  if (refresh_.due()) ArmPace();
}

void ClusterRouter::Stop() {
  if (stopped_.exchange(true)) return;
  std::vector<std::shared_ptr<Connection>> connections;
  {
    const std::lock_guard lock(nodes_mutex_);
    for (const auto& [id, node] : nodes_) {
      connections.insert(connections.end(), node.connections.begin(), node.connections.end());
    }
  }
  boost::asio::post(io_, [self = shared_from_this()] {
    self->pace_.cancel();
    std::multimap<SteadyTime, Trip*> paused;
    paused.swap(self->paused_);
    for (const auto& [until, trip] : paused) {
      trip->Lose({.sent = false, .why = "the store was closed"});
    }
  });
  for (const std::shared_ptr<Connection>& connection : connections) connection->Stop();
}

void ClusterRouter::DropUnused(SteadyTime before) {
  const std::vector<NodeId> masters = map_.Masters();
  const std::lock_guard lock(nodes_mutex_);
  for (auto node = nodes_.begin(); node != nodes_.end();) {
    const bool serves = std::binary_search(masters.begin(), masters.end(), node->first);
    if (serves || node->second.used > before) {
      ++node;
      continue;
    }
    for (const auto& connection : node->second.connections) connection->Stop();
    node = nodes_.erase(node);
  }
}

}  // namespace holdfast::inline v0_5::redis
