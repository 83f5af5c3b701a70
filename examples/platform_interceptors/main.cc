// SPDX-License-Identifier: Apache-2.0
// A platform team puts one policy around three services and their stubs, none of which is touched
// (services.h); all it writes is platform.h. A server and its callers in one process. Prints what the layer
// did; exits 0 only if all of it held.
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "callers.h"
#include "platform.h"

using namespace std::chrono_literals;

namespace {

// Real time, for what gRPC does on threads of its own.
template <class Condition>
bool Soon(Condition condition) {
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (!condition() && std::chrono::steady_clock::now() < limit) std::this_thread::sleep_for(1ms);
  return condition();
}

class Show {
 public:
  int Run() {
    if (!server_.up()) {
      std::fputs("the server did not start\n", stderr);
      return 1;
    }
    Duplicates();
    Shedding();
    Retrying();
    Killing();
    Draining();
    PrintTable();
    return broken_ == 0 ? 0 : 1;
  }

 private:
  void Title(const char* text) { std::printf("\n%s\n", text); }
  void Expect(bool held, const char* what) {
    std::printf("  %s  %s\n", held ? "held  " : "BROKEN", what);
    broken_ += held ? 0 : 1;
  }

  void Duplicates() {
    Title("Every order is paid twice, by callers who lost the first answer");
    bool same = true;
    for (int i = 1; i <= 10; ++i) {
      const std::string order = "order-" + std::to_string(i);
      shop::Receipt first, again;
      same =
          same && callers_.Pay(order, 1000, &first).ok() && callers_.Pay(order, 1000, &again).ok();
      same = same && first.SerializeAsString() == again.SerializeAsString();
    }
    shop::Receipt receipt;
    const grpc::Status declined = callers_.Pay("yacht", 1'000'000, &receipt);
    const grpc::Status declined_again = callers_.Pay("yacht", 1'000'000, &receipt);
    Expect(same, "the second answer is the first, byte for byte");
    Expect(server_.payments().charged() == 10 * 1000, "each card was charged once");
    Expect(declined.error_message() == declined_again.error_message() && !declined.ok(),
           "a refusal of the service's own is an answer too");
    Expect(callers_.rows()[0].replayed == 11, "eleven replays, and no process died of a trailer");
  }

  void Shedding() {
    Title("Two conversations take two of four places: who matters less must wait");
    Conversation one(callers_.tracking()), two(callers_.tracking());
    int shed = 0, served = 0;
    for (int i = 0; i < 10; ++i) {
      shed += callers_.Search("sheddable").ok() ? 0 : 1;
      served += callers_.Search("critical").ok() ? 1 : 0;
    }
    Expect(shed == 10, "all that may be shed was shed, before the catalogue saw it");
    Expect(served == 10, "all that matters was served");
    callers_.Counted(2, one.End(), one.context());
    callers_.Counted(2, two.End(), two.context());
    Expect(Soon([&] { return policy_.guard.in_flight() == 0; }), "every place came back");
  }

  void Retrying() {
    Title("All places are taken; a decorated stub is told when to come back, and does");
    std::vector<std::unique_ptr<Conversation>> all;
    for (unsigned i = 0; i < Policy::kPlaces; ++i) {
      all.push_back(std::make_unique<Conversation>(stubs_.tracking));
    }
    const auto refused_before = policy_.places.Snapshot();
    std::thread leaver([&] {
      Soon([&] {
        const auto now = policy_.places.Snapshot();
        return now.refused + now.over_share > refused_before.refused + refused_before.over_share;
      });
      for (auto& conversation : all) conversation->End();
    });
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 20s);
    shop::catalogue::v2::Hits hits;
    const grpc::Status status = stubs_.catalogue.Search(&context, {}, &hits);
    leaver.join();
    Expect(status.ok() && hits.titles_size() == 1, "refused at first, served on a later attempt");
    Expect(Soon([&] { return policy_.guard.in_flight() == 0; }), "every place came back");
  }

  void Killing() {
    Title("An operator stops one method of one service, and lets it go again");
    const hf_time now = holdfast::Clock::Steady().Now();
    const auto rule =
        policy_.kill_switch.Arm({.match = {.operation = "/shop.catalogue.v2.Catalogue/Search"},
                                 .owner = "ann",
                                 .reason = "index is being rebuilt",
                                 .expiry = 10min},
                                now);
    const bool on = rule.ok() && policy_.kill_switch.Fire(*rule, now).ok();
    const bool stopped = !callers_.Search("critical").ok();
    grpc::ClientContext context;
    shop::catalogue::v2::Hits hits;
    const bool other = stubs_.catalogue.Suggest(&context, {}, &hits).ok();
    shop::Receipt receipt;
    const bool paid = callers_.Pay("order-11", 1000, &receipt).ok();
    Expect(on && stopped, "the method is stopped");
    Expect(other && paid, "its neighbour and the other services are not");
    const bool lifted = on && policy_.kill_switch.Lift(*rule, "ann", now).ok();
    Expect(lifted && callers_.Search("critical").ok(), "and runs again");
  }

  void Draining() {
    Title("The server goes away while conversations run");
    Conversation one(callers_.tracking()), two(callers_.tracking());
    policy_.guard.Drain(100ms);
    shop::Receipt receipt;
    const bool refused = !callers_.Pay("order-12", 1000, &receipt).ok() &&
                         !callers_.Search("critical").ok() && !callers_.Follow().ok();
    Expect(refused, "nothing new is let in, of any kind");
    Expect(one.Ask() && two.Ask(), "what runs goes on");
    Expect(!policy_.guard.WaitIdle(1ms), "and is waited for");
    callers_.Counted(2, one.End(), one.context());
    callers_.Counted(2, two.End(), two.context());
    Expect(policy_.guard.WaitIdle(20s), "until the last is out");
    Expect(server_.payments().charged() == 11 * 1000, "nobody paid for what was refused");
  }

  void PrintTable() const {
    std::printf("\n  %-30s %6s %7s %9s %6s %7s %8s %6s\n", "seen by plain callers", "calls",
                "served", "replayed", "shed", "killed", "drained", "other");
    for (const Row& row : callers_.rows()) {
      std::printf("  %-30s %6d %7d %9d %6d %7d %8d %6d\n", row.service, row.calls, row.served,
                  row.replayed, row.shed, row.killed, row.drained, row.other);
    }
    std::printf("\n  %s: three services and three stubs, one line each, none of them touched\n",
                broken_ == 0 ? "all held" : "NOT ALL HELD");
  }

  Policy policy_;
  PlatformServer server_{policy_};
  Callers callers_{server_.address()};
  PlatformStubs stubs_{
      holdfast::grpc::MakeChannel(server_.address(), grpc::InsecureChannelCredentials()), policy_};
  int broken_ = 0;
};

}  // namespace

int main() { return Show().Run(); }
