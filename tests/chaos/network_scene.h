// SPDX-License-Identifier: Apache-2.0
// A scene whose store is reached through a network, and what happens there.
#ifndef HOLDFAST_TESTS_CHAOS_NETWORK_SCENE_H_
#define HOLDFAST_TESTS_CHAOS_NETWORK_SCENE_H_

#include <absl/strings/str_cat.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "chaos/fault_proxy.h"
#include "chaos/scene.h"

namespace holdfast::chaos {

class NetworkScene : public Scene {
 public:
  void Recover() override { proxy_->Heal(); }
  void Calm() override {
    proxy_->SetRates({});
    Recover();
  }
  std::map<std::string, uint64_t> Faults() const override {
    std::map<std::string, uint64_t> faults;
    const auto struck = proxy_->Struck();
    for (size_t i = 0; i < struck.size(); ++i) {
      if (struck[i] == 0 || static_cast<Fault>(i) == Fault::kPartition) continue;
      faults[absl::StrCat("network: ", std::string(FaultName(static_cast<Fault>(i))))] = struck[i];
    }
    return faults;
  }

 protected:
  // Few enough that connections live for some hundred messages.
  static FaultRates UsualRates() {
    return {.drop_request = 3,
            .drop_reply = 3,
            .delay = 60,
            .reset = 2,
            .half_close = 2,
            .short_write = 40};
  }
  bool Interpose(uint16_t target, uint64_t seed) {
    auto proxy = FaultProxy::Start({.target_port = target, .seed = seed, .rates = UsualRates()});
    if (proxy.ok()) proxy_ = *std::move(proxy);
    return proxy.ok();
  }

  std::string StrikeNetwork(std::mt19937_64& random) {
    if (random() % 2 == 0) {
      proxy_->ResetAll();
      return "all connections reset";
    }
    proxy_->Partition();
    return "partition";
  }

  std::unique_ptr<FaultProxy> proxy_;
};

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_NETWORK_SCENE_H_
