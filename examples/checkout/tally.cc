// SPDX-License-Identifier: Apache-2.0
#include "tally.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <fstream>

#include "books.h"

namespace checkout {
namespace {

std::string AnswersFile(const std::string& folder) { return folder + "/answers"; }

// Nearest rank.
double Percentile(std::vector<double> values, double part) {
  if (values.empty()) return 0;
  const auto rank = static_cast<size_t>(part * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(rank),
                   values.end());
  return values[rank];
}

template <class Map>
typename Map::mapped_type Find(const Map& map, uint32_t order) {
  const auto found = map.find(order);
  return found == map.end() ? typename Map::mapped_type{} : found->second;
}

}  // namespace

absl::Status WriteAnswers(const std::string& folder, const std::vector<Answer>& answers) {
  std::ofstream out(AnswersFile(folder));
  for (const Answer& answer : answers) {
    out << answer.order << ' ' << answer.state << ' ' << answer.milliseconds << '\n';
  }
  out.close();
  if (!out) return absl::UnavailableError("cannot write the answers");
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Answer>> ReadAnswers(const std::string& folder) {
  std::ifstream in(AnswersFile(folder));
  std::vector<Answer> answers;
  Answer answer;
  for (int state; in >> answer.order >> state >> answer.milliseconds;) {
    answer.state = static_cast<OrderState>(state);
    answers.push_back(answer);
  }
  if (!in.eof()) return absl::DataLossError("the load client's answers cannot be read");
  return answers;
}

absl::StatusOr<Tally> CountRun(const std::string& folder, const FaultPlan& plan, const Board& board,
                               uint32_t orders) {
  const absl::StatusOr<Database> payments_db = OpenDatabase(folder + "/payments.db");
  if (!payments_db.ok()) return payments_db.status();
  const absl::StatusOr<Database> orders_db = OpenDatabase(folder + "/orders.db");
  if (!orders_db.ok()) return orders_db.status();
  const auto charges = ReadPayments(payments_db->get());
  if (!charges.ok()) return charges.status();
  const auto states = ReadOrders(orders_db->get());
  if (!states.ok()) return states.status();
  const absl::StatusOr<std::vector<Answer>> answers = ReadAnswers(folder);
  if (!answers.ok()) return answers.status();
  if (answers->size() != orders) return absl::DataLossError("an order has no answer line");

  Tally tally;
  tally.orders = orders;
  std::vector<double> latencies;
  for (const Answer& answer : *answers) {
    const OrderState state = Find(*states, answer.order);
    const Charges charged = Find(*charges, answer.order);
    tally.confirmed += state == CONFIRMED;
    tally.failed += state == FAILED;
    tally.unfinished += state == PENDING;
    tally.charged_twice += charged.count > 1;
    tally.lost += charged.count > 0 && state != CONFIRMED;
    tally.unpaid += state == CONFIRMED && charged.count == 0;
    tally.contradicted += answer.state != state;
    latencies.push_back(answer.milliseconds);
  }
  for (const auto& [order, charged] : *charges) {
    const bool asked = order >= 1 && order <= orders;
    tally.overcharged_cents += charged.cents - (asked ? plan.Cents(order) : 0);
  }
  tally.p50_ms = Percentile(latencies, 0.50);
  tally.p99_ms = Percentile(latencies, 0.99);

  const Counters& counters = board.counters();
  tally.place_attempts = counters.place_attempts;
  tally.charge_attempts = counters.charge_attempts;
  tally.charge_failures = counters.charge_failures;
  tally.replays = counters.replays;
  tally.breaker_openings = counters.breaker_openings;
  tally.breaker_refusals = counters.breaker_refusals;
  tally.budget_refusals = counters.budget_refusals;
  tally.payment_kills = counters.kills[static_cast<uint32_t>(Place::kPayment)];
  tally.order_kills = counters.kills[static_cast<uint32_t>(Place::kOrder)];
  return tally;
}

}  // namespace checkout
