// SPDX-License-Identifier: Apache-2.0
// docs/primitives/bulkhead.md: who is served in an overload, by the order of the queue.
#include <holdfast/bulkhead.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "world.h"

namespace holdfast::plots {
namespace {

using namespace std::chrono_literals;

constexpr hf_duration kDeadline = 100 * HF_MS;
constexpr hf_duration kService = 10 * HF_MS;
constexpr double kCapacity = 1000;  // a second: ten at once, 10 ms each
constexpr hf_duration kUntil = 8 * HF_S;
constexpr hf_duration kWarm = 2 * HF_S;

// One caller: in the queue, then inside. Kept alive by the events that it waits for.
struct Caller : std::enable_shared_from_this<Caller> {
  World& world;
  Bulkhead bulkhead;
  std::vector<hf_duration>& served;
  hf_time begun = 0;
  hf_bulkhead_wait wait{};
  hf_permit permit{};
  bool waiting = false;

  Caller(World& in, const Bulkhead& guard, std::vector<hf_duration>& times)
      : world(in), bulkhead(guard), served(times) {}
  ~Caller() {
    if (waiting) hf_bulkhead_wait_cancel(bulkhead.raw(), &wait, world.Now());
  }

  void Ask(bool tells_deadline) {
    begun = world.Now();
    hf_bulkhead_request request = HF_INIT(hf_bulkhead_request);
    request.deadline = tells_deadline ? begun + kDeadline : 0;
    const hf_waker waker{[](void* self) { static_cast<Caller*>(self)->Wake(); }, this};
    hf_time until = 0;
    const hf_code code = hf_bulkhead_acquire(bulkhead.raw(), &request, &wait, &waker, begun,
                                             &permit, &until, nullptr);
    if (code == HF_OK) return Enter();
    waiting = code == HF_UNAVAILABLE;
    if (waiting) world.clock.At(until, [self = shared_from_this()] { self->Poll(); });
  }
  void Wake() {
    world.After(0, [self = shared_from_this()] { self->Poll(); });
  }
  void Poll() {
    if (!waiting) return;
    const hf_code code =
        hf_bulkhead_wait_poll(bulkhead.raw(), &wait, world.Now(), &permit, nullptr);
    waiting = code == HF_UNAVAILABLE;
    if (code == HF_OK) Enter();
  }
  void Enter() {
    const hf_time entered = world.Now();
    world.After(world.dice.Exponential(kService),
                [self = shared_from_this(), entered] { self->Leave(entered); });
  }
  void Leave(hf_time entered) {
    if (world.Elapsed() > kWarm) served.push_back(world.Now() - begun);
    hf_bulkhead_settle(bulkhead.raw(), &permit, entered, HF_VERDICT_SUCCESS, world.Now());
  }
};

void Overload(const char* series, const BulkheadOptions& options, bool tells_deadline) {
  for (const double load : {0.5, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 2.5, 3.0}) {
    World world(static_cast<uint64_t>(load * 100));
    const auto bulkhead = Must(Bulkhead::Create(options));
    std::vector<hf_duration> served;
    world.Arrivals(load * kCapacity, 0, kUntil,
                   [&] { std::make_shared<Caller>(world, bulkhead, served)->Ask(tells_deadline); });
    world.Run(kUntil);
    std::sort(served.begin(), served.end());
    const auto in_time = static_cast<double>(
        std::upper_bound(served.begin(), served.end(), kDeadline) - served.begin());
    Point("bulkhead_goodput", series, load, in_time / Seconds(kUntil - kWarm) / kCapacity * 100);
    Point("bulkhead_p99", series, load, Seconds(served[served.size() * 99 / 100]) * 1000);
    world.Run(kUntil + 10 * HF_S);  // all leave before the world ends
  }
}

}  // namespace

void Bulkheads() {
  const BulkheadOptions base = {.limit = 10, .queue = 1000};
  const auto with = [&](BulkheadOrder order, bool no_time) {
    BulkheadOptions options = base;
    options.order = order;
    options.refuse_no_time = no_time;
    return options;
  };
  Overload("fifo", with(BulkheadOrder::kFifo, false), false);
  Overload("deadline", with(BulkheadOrder::kFifo, false), true);
  Overload("no_time", with(BulkheadOrder::kFifo, true), true);
  Overload("codel", with(BulkheadOrder::kCodel, false), false);
  Overload("lifo", with(BulkheadOrder::kLifo, false), false);
}

}  // namespace holdfast::plots
