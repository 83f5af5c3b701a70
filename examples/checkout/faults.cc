// SPDX-License-Identifier: Apache-2.0
#include "faults.h"

#include <absl/strings/str_cat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

namespace checkout {
namespace {

using Json = nlohmann::json;

// splitmix64's finaliser: every bit of the input moves every bit of the output.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// Uniform in [0, 1).
double Draw(uint64_t seed, uint64_t topic, uint64_t order, uint64_t arrival) {
  const uint64_t bits = Mix(Mix(Mix(Mix(seed) ^ topic) ^ order) ^ arrival);
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

constexpr uint64_t kTwiceTopic = 11;
constexpr uint64_t kCentsTopic = 12;

// Reads the fields of one object, and afterwards knows which of them nobody asked for.
class Fields {
 public:
  Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) Fail(where_, "must be an object");
  }

  double Probability(const char* name) {
    const Json* value = Find(name);
    if (value == nullptr) return 0;
    if (!value->is_number() || !(value->get<double>() >= 0 && value->get<double>() <= 1)) {
      Fail(Path(name), "must be a probability from 0 to 1");
      return 0;
    }
    return value->get<double>();
  }

  uint32_t Number(const char* name, uint32_t least, uint32_t most, uint32_t otherwise) {
    const Json* value = Find(name);
    if (value == nullptr) return otherwise;
    // Compared as a double first: a number beyond 64 bits is no longer an integer to the parser.
    if (!value->is_number_integer() || value->get<double>() < least ||
        value->get<double>() > most) {
      Fail(Path(name), absl::StrCat("must be a whole number from ", least, " to ", most));
      return otherwise;
    }
    return value->get<uint32_t>();
  }

  // An empty object where the field is missing.
  Fields Inner(const char* name) {
    static const Json kEmpty = Json::object();
    const Json* value = Find(name);
    return Fields(value == nullptr ? kEmpty : *value, Path(name));
  }

  void Text(const char* name) {
    const Json* value = Find(name);
    if (value != nullptr && !value->is_string()) Fail(Path(name), "must be text");
  }

  // The first complaint: a bad value, or a field that is not known.
  absl::Status Done() {
    if (status_.ok() && object_.is_object()) {
      for (const auto& item : object_.items()) {
        if (known_.count(item.key()) == 0) Fail(Path(item.key()), "is not a field of a fault plan");
      }
    }
    return status_;
  }

 private:
  const Json* Find(const std::string& name) {
    known_.insert(name);
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }

  std::string Path(const std::string& name) const {
    return where_.empty() ? name : absl::StrCat(where_, ".", name);
  }

  void Fail(const std::string& path, const std::string& what) {
    if (!status_.ok()) return;
    status_ =
        absl::InvalidArgumentError(absl::StrCat("'", path.empty() ? "the plan" : path, "' ", what));
  }

  const Json& object_;
  std::string where_;
  std::set<std::string> known_;
  absl::Status status_;
};

absl::StatusOr<PlaceFaults> ReadPlace(Fields fields) {
  PlaceFaults faults;
  faults.refuse = fields.Probability("refuse");
  faults.slow = fields.Probability("slow");
  faults.lose_reply = fields.Probability("lose_reply");
  faults.hold_reply = fields.Probability("hold_reply");
  faults.slow_for = std::chrono::milliseconds(fields.Number("slow_ms", 1, 10000, 300));
  faults.kills = fields.Number("kills", 0, 100, 0);
  Fields burst = fields.Inner("burst");
  faults.burst_every = burst.Number("every", 1, 1000000, 1);
  faults.burst_orders = burst.Number("orders", 0, 1000000, 0);
  faults.burst_arrivals = burst.Number("arrivals", 0, 100, 0);
  if (absl::Status known = burst.Done(); !known.ok()) return known;
  if (absl::Status known = fields.Done(); !known.ok()) return known;
  if (faults.refuse + faults.slow + faults.lose_reply + faults.hold_reply > 1) {
    return absl::InvalidArgumentError(
        "'refuse', 'slow', 'lose_reply' and 'hold_reply' of one service "
        "are together more than 1");
  }
  return faults;
}

}  // namespace

absl::StatusOr<FaultPlan> FaultPlan::Load(const std::string& file, uint64_t seed) {
  const auto complain = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat("fault plan ", file, ": ", what));
  };
  std::ifstream in(file);
  in.peek();  // a folder opens; reading it fails, which the parser would meet as an exception
  if (in.bad() || !in.is_open()) return complain("cannot be read");
  const Json json = Json::parse(in, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return complain("is not JSON");

  FaultPlan plan;
  plan.seed_ = seed;
  Fields top(json, "");
  top.Text("about");
  plan.calm_after_ = top.Number("calm_after", 0, 100, 8);
  Fields client = top.Inner("client");
  plan.send_twice_ = client.Probability("send_twice");
  absl::StatusOr<PlaceFaults> order = ReadPlace(top.Inner("order"));
  absl::StatusOr<PlaceFaults> payment = ReadPlace(top.Inner("payment"));
  for (const absl::Status& status : {top.Done(), client.Done(), order.status(), payment.status()}) {
    if (!status.ok()) return complain(status.message());
  }
  plan.order_ = *order;
  plan.payment_ = *payment;
  return plan;
}

Fault FaultPlan::Decide(Place place, uint32_t order, uint32_t arrival) const {
  if (arrival > calm_after_) return Fault::kNone;
  const PlaceFaults& faults = at(place);
  if (order % faults.burst_every < faults.burst_orders && arrival <= faults.burst_arrivals) {
    return Fault::kRefused;
  }
  double draw = Draw(seed_, static_cast<uint64_t>(place), order, arrival);
  if ((draw -= faults.refuse) < 0) return Fault::kRefused;
  if ((draw -= faults.slow) < 0) return Fault::kSlow;
  if ((draw -= faults.lose_reply) < 0) return Fault::kReplyLost;
  if ((draw -= faults.hold_reply) < 0) return Fault::kReplyHeld;
  return Fault::kNone;
}

bool FaultPlan::SentTwice(uint32_t order) const {
  return Draw(seed_, kTwiceTopic, order, 0) < send_twice_;
}

int64_t FaultPlan::Cents(uint32_t order) const {
  return 500 + static_cast<int64_t>(Draw(seed_, kCentsTopic, order, 0) * 9500);
}

uint32_t FaultPlan::KillAt(const PlaceFaults& faults, uint32_t kill, uint32_t orders) {
  return static_cast<uint32_t>(uint64_t{orders} * (kill + 1) / (faults.kills + 1));
}

}  // namespace checkout
