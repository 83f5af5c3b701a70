// SPDX-License-Identifier: Apache-2.0
// idempotent_http: a payment API that may be asked twice. The records are in a file, so that a restart, or a crash in
// the middle of a payment, does not charge anybody again.
//
//   ./dev example idempotent_http --db /tmp/payments.db --port 8080
//   curl -i -H 'Idempotency-Key: "order-17"' -d '{"amount": 40}' http://127.0.0.1:8080/payments     twice
//
// Each charge is a line on stdout: there must never be two of one key. {"hold_ms": N} makes the card's bank slow.
#include <holdfast/http_idempotency.h>
#include <holdfast/idempotency.h>
#include <holdfast/sqlite/store.h>

#include <atomic>
#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using holdfast::HttpResponse;

constexpr std::string_view kDocs = "https://api.example.com/docs/idempotency";
constexpr size_t kMostBytes = 65536;  // of a request's body
constexpr auto kPatience = std::chrono::seconds(10);

struct Settings {
  std::string db;
  uint16_t port = 0;
  holdfast::Duration lease = std::chrono::seconds(30);
};

// What the key protects: it talks to a bank, and a second call is a second charge. The downstream key would let a
// bank that honours keys absorb one all the same.
HttpResponse Charge(const nlohmann::json& order, const std::string& downstream_key) {
  static std::atomic<int> charges{0};
  if (!order.is_object() || !order.contains("amount") || !order["amount"].is_number_integer()) {
    return {.status = 400,
            .fields = {{"Content-Type", "application/json"}},
            .body = R"({"error":"amount is not a whole number"})"};
  }
  const int number = ++charges;
  std::cout << "charged " << order["amount"] << " under " << downstream_key.substr(0, 8)
            << std::endl;
  if (order.contains("hold_ms") && order["hold_ms"].is_number_unsigned()) {
    std::this_thread::sleep_for(
        std::chrono::milliseconds(order["hold_ms"].get<unsigned>() % 60000));
  }
  const std::string id = std::to_string(getpid()) + "-" + std::to_string(number);
  return {.status = 201,
          .fields = {{"Content-Type", "application/json"}, {"Location", "/payments/" + id}},
          .body = nlohmann::json{{"id", id}, {"amount", order["amount"]}}.dump()};
}

HttpResponse Pay(holdfast::Store& store, const Settings& settings,
                 const http::request<http::string_body>& request) {
  std::vector<std::string_view> keys;
  const auto [first, last] = request.equal_range(std::string(holdfast::kHttpKeyField));
  for (auto field = first; field != last; ++field) {
    keys.emplace_back(field->value().data(), field->value().size());
  }
  const absl::StatusOr<std::string> key = holdfast::ReadHttpKey(keys);
  if (!key.ok()) return holdfast::HttpRefusal(key.status(), false, {.docs = kDocs});

  const std::string bytes = holdfast::HttpRequestBytes("POST", "/payments", request.body());
  holdfast::RunOnceReport report;
  std::optional<HttpResponse> own;
  const auto result =
      holdfast::RunOnce(store, {.space = "payments", .operation = "POST /payments", .key = *key},
                        {.request = bytes, .lease = settings.lease, .report = &report},
                        [&](holdfast::Ticket& ticket) {
                          own = Charge(nlohmann::json::parse(request.body(), nullptr, false),
                                       ticket.DownstreamKey("bank"));
                          return holdfast::HttpAnswer(*own);
                        });
  return holdfast::HttpReply(result, report, own ? &*own : nullptr, {.docs = kDocs});
}

HttpResponse Route(holdfast::Store& store, const Settings& settings,
                   const http::request<http::string_body>& request) {
  if (request.target() != "/payments") return {.status = 404};
  if (request.method() != http::verb::post) return {.status = 405, .fields = {{"Allow", "POST"}}};
  return Pay(store, settings, request);
}

void Send(tcp::socket& socket, const HttpResponse& answer) {
  http::response<http::string_body> response(static_cast<http::status>(answer.status), 11);
  for (const holdfast::HttpField& field : answer.fields) response.insert(field.name, field.value);
  response.body() = answer.body;
  response.keep_alive(false);
  response.prepare_payload();
  boost::system::error_code failed;  // the caller is gone, and will ask again
  http::write(socket, response, failed);
}

// One request per connection: what happens to the second is not what this example is about.
void Serve(tcp::socket socket, holdfast::Store& store, const Settings& settings) {
  const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
  setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(socket.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  boost::beast::flat_buffer buffer;
  http::request_parser<http::string_body> parser;
  parser.body_limit(kMostBytes);
  boost::system::error_code failed;
  http::read(socket, buffer, parser, failed);
  if (failed == http::error::body_limit) return Send(socket, {.status = 413});
  if (failed) return Send(socket, {.status = 400});
  Send(socket, Route(store, settings, parser.get()));
}

std::optional<Settings> Read(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--db") {
      settings.db = argv[i + 1];
    } else if (name == "--port") {
      settings.port = static_cast<uint16_t>(std::atoi(argv[i + 1]));
    } else if (name == "--lease-ms") {
      settings.lease = std::chrono::milliseconds(std::atoi(argv[i + 1]));
    } else {
      return std::nullopt;
    }
  }
  if (argc % 2 == 0 || settings.db.empty()) return std::nullopt;
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<Settings> settings = Read(argc, argv);
  if (!settings) {
    std::cerr << "usage: idempotent_http --db FILE [--port N] [--lease-ms N]\n";
    return 2;
  }
  auto store = holdfast::sqlite::Store::Open({.path = settings->db});
  if (!store.ok()) {
    std::cerr << store.status().message() << "\n";
    return 1;
  }
  asio::io_context io;
  asio::thread_pool workers(16);
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), settings->port});
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](boost::system::error_code, int) { acceptor.close(); });
  const std::function<void()> accept = [&] {
    acceptor.async_accept([&](boost::system::error_code failed, tcp::socket socket) {
      if (failed) return;
      asio::post(workers, [&, socket = std::move(socket)]() mutable {
        Serve(std::move(socket), **store, *settings);
      });
      accept();
    });
  };
  accept();
  std::cout << "listening on http://127.0.0.1:" << acceptor.local_endpoint().port() << std::endl;
  io.run();
  workers.join();
}
