// SPDX-License-Identifier: Apache-2.0
// See cluster_route.h.
#include "adapters/redis/cluster_route.h"

#include <optional>

namespace holdfast::inline v0_5::redis {
namespace {

bool Says(std::string_view error, std::string_view word) {
  return error.starts_with(word) && (error.size() == word.size() || error[word.size()] == ' ');
}

}  // namespace

ClusterError ClusterErrorOf(std::string_view error) {
  if (Says(error, "MOVED")) return ClusterError::kMoved;
  if (Says(error, "ASK")) return ClusterError::kAsk;
  if (Says(error, "TRYAGAIN")) return ClusterError::kTryAgain;
  for (const std::string_view down : {"CLUSTERDOWN", "MASTERDOWN", "LOADING", "READONLY"}) {
    if (Says(error, down)) return ClusterError::kDown;
  }
  return ClusterError::kNone;
}

Step Route::Begin() {
  stale_ = false;
  redirects_ = 0;
  if (stay_) {
    stay_ = false;
    return Step::kSend;
  }
  const NodeId owner = map_.OwnerOf(slot_);
  if (owner == kNoNode) return Pause("no node is known that serves the key's slot", true);
  return SendTo(owner, false);
}

Step Route::OnFate(Fate fate, std::string_view error) {
  if (fate == Fate::kLost) {
    stale_ = true;
    return Step::kLost;
  }
  if (fate == Fate::kNotSent) return Pause("the key's node cannot be reached", true);
  switch (ClusterErrorOf(error)) {
    case ClusterError::kNone:
      return Step::kAnswered;
    case ClusterError::kMoved:
    case ClusterError::kAsk:
      return Follow(error);
    case ClusterError::kTryAgain:
      stay_ = true;
      return Pause("the key's slot is being moved", false);
    case ClusterError::kDown:
      break;
  }
  return Pause("the cluster does not serve the key's slot", true);
}

Step Route::Follow(std::string_view error) {
  const std::optional<NodeAddress> asked = map_.AddressOf(node_);
  const std::optional<Redirect> redirect =
      asked ? ParseRedirect(error, *asked) : std::optional<Redirect>();
  if (!redirect) return Refuse("a redirection that cannot be read");
  if (redirect->slot != slot_) return Refuse("a redirection of another slot");
  stale_ = stale_ || !redirect->ask;
  const NodeId to = redirect->ask ? map_.Find(redirect->to) : map_.Learn(slot_, redirect->to);
  if (to == kNoNode) return Refuse("redirected to more nodes than a cluster has");
  ++redirects_all_;
  if (++redirects_ > kMaxRedirects) return Pause("redirected in circles", true);
  return SendTo(to, redirect->ask);
}

Step Route::SendTo(NodeId node, bool asking) {
  node_ = node;
  asking_ = asking;
  return Step::kSend;
}

Step Route::Pause(const char* why, bool stale) {
  stale_ = stale_ || stale;
  why_ = why;
  if (pauses_ == kMaxPauses) return Step::kRefused;
  ++pauses_;
  return Step::kPause;
}

Step Route::Refuse(const char* why) {
  why_ = why;
  stale_ = true;
  return Step::kRefused;
}

}  // namespace holdfast::inline v0_5::redis
