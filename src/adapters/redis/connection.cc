// SPDX-License-Identifier: Apache-2.0
// See connection.h. Here: the life of the connection.
#include "adapters/redis/connection.h"

#include <holdfast/entropy.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <fstream>
#include <iterator>
#include <utility>

namespace holdfast::inline v0_5::redis {
namespace {

using std::chrono::steady_clock;

constexpr Duration kDefaultConnectTimeout = std::chrono::seconds(2);
constexpr Duration kDefaultRoundTrip = std::chrono::seconds(5);
constexpr Duration kDefaultReconnectBase = std::chrono::milliseconds(50);
constexpr Duration kDefaultReconnectCap = std::chrono::seconds(2);
constexpr Duration kPulseEvery = std::chrono::seconds(1);
constexpr uint32_t kDefaultMaxQueue = 16384;
constexpr size_t kDefaultQueueBytes = size_t{64} << 20;
constexpr size_t kDefaultReplyBytes = size_t{16} << 20;
constexpr std::streamsize kMaxPasswordFile = 65536;

absl::Status Bad(std::string_view text) {
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, text);
}

bool Printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

template <typename Value>
void Default(Value* value, Value otherwise) {
  if (*value == Value{}) *value = otherwise;
}

}  // namespace

absl::Status PrepareServer(Server* server) {
  if (server->host.find('\0') != std::string::npos) return Bad("host: holds a NUL");
  if (server->connect_timeout.count() < 0) return Bad("connect_timeout: negative");
  if (server->round_trip_timeout.count() < 0) return Bad("round_trip_timeout: negative");
  if (server->reconnect_base.count() < 0) return Bad("reconnect_base: negative");
  if (server->reconnect_cap.count() < 0) return Bad("reconnect_cap: negative");
  if (!Printable(server->client_name))
    return Bad("client_name: not printable ASCII without spaces");
  const Credentials& who = server->credentials;
  if (!who.password.empty() && !who.password_file.empty()) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS,
                      "credentials: both password and password_file");
  }
  if (!who.username.empty() && who.password.empty() && who.password_file.empty()) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, "credentials: a username alone");
  }
  if (server->host.empty()) server->host = "127.0.0.1";
  if (server->client_name.empty()) server->client_name = "holdfast";
  Default(&server->port, uint16_t{6379});
  Default(&server->connect_timeout, kDefaultConnectTimeout);
  Default(&server->round_trip_timeout, kDefaultRoundTrip);
  Default(&server->reconnect_base, kDefaultReconnectBase);
  Default(&server->reconnect_cap, std::max(kDefaultReconnectCap, server->reconnect_base));
  Default(&server->max_queue, kDefaultMaxQueue);
  Default(&server->max_queue_bytes, kDefaultQueueBytes);
  Default(&server->max_reply_bytes, kDefaultReplyBytes);
  return RetryPolicy::Create({.base = server->reconnect_base, .cap = server->reconnect_cap})
      .status();
}

Connection::Connection(boost::asio::io_context& io, Server server, TlsContext tls,
                       Replication replication, ConnectionOwner* owner,
                       ConnectionCounters* counters)
    : io_(io),
      server_(std::move(server)),
      tls_(std::move(tls)),
      replication_(replication),
      owner_(owner),
      counters_(counters),
      watch_(io),
      pace_(io) {
  auto backoff =
      RetryPolicy::Create({.base = server_.reconnect_base, .cap = server_.reconnect_cap});
  if (backoff.ok()) backoff_ = *std::move(backoff);
}

void Connection::Start() {
  boost::asio::post(io_, [self = shared_from_this()] {
    if (self->state_ != State::kIdle) return;
    self->ArmWatch(steady_clock::now() + kPulseEvery);
    self->Connect();
  });
}

void Connection::Stop() {
  {
    const std::lock_guard lock(inbox_mutex_);
    closed_ = true;
  }
  boost::asio::post(io_, [self = shared_from_this()] {
    self->Drain();
    self->state_ = State::kStopped;
    self->ready_ = false;
    if (self->stream_ != nullptr) self->stream_->Close();
    self->stream_ = nullptr;
    self->watch_.cancel();
    self->pace_.cancel();
    self->LoseSent("the store was closed");
    self->LoseQueued({.sent = false, .why = "the store was closed"});
  });
}

void Connection::Connect() {
  state_ = State::kConnecting;
  write_under_way_ = false;
  pulse_under_way_ = false;
  next_.clear();
  internal_replies_.clear();
  handshake_error_.clear();
  writing_ = std::make_shared<std::string>();
  parser_.emplace(server_.max_reply_bytes);
  stream_ = Stream::Make(io_, server_, tls_);
  pace_.expires_after(server_.connect_timeout);
  pace_.async_wait(
      [self = shared_from_this(), stream = stream_](const boost::system::error_code& error) {
        if (error || stream != self->stream_ || self->state_ != State::kConnecting) return;
        self->Break("connecting: not done within connect_timeout", true);
      });
  stream_->Connect([self = shared_from_this(), stream = stream_](const std::string& error) {
    if (stream != self->stream_) return;
    if (!error.empty()) return self->Break(error, true);
    self->Shake();
  });
}

std::string Connection::ReadPassword(std::string* password) const {
  *password = server_.credentials.password;
  if (server_.credentials.password_file.empty()) return "";
  std::ifstream file(server_.credentials.password_file, std::ios::binary);
  password->resize(kMaxPasswordFile);
  file.read(password->data(), kMaxPasswordFile);
  password->resize(static_cast<size_t>(file.gcount()));
  if (password->ends_with('\n')) password->pop_back();
  if (password->ends_with('\r')) password->pop_back();
  return password->empty() ? "password_file: not readable, or empty" : "";
}

void Connection::Shake() {
  std::string password;
  if (std::string error = ReadPassword(&password); !error.empty()) return Break(error, true);
  const Place step{.kind = Place::Kind::kHandshake, .required = true};
  const Place favour{.kind = Place::Kind::kHandshake};
  const std::string& username = server_.credentials.username;
  if (!username.empty()) {
    Append(Wire({"AUTH", username, password}), step);
  } else if (!password.empty()) {
    Append(Wire({"AUTH", password}), step);
  }
  Append(Wire({"CLIENT", "SETNAME", server_.client_name}), favour);
  if (server_.database != 0) Append(Wire({"SELECT", std::to_string(server_.database)}), step);
  Append(Wire({"TIME"}), step);
  for (const Wire& wire : owner_->Greeting()) {
    Append(wire, {.kind = Place::Kind::kHandshake, .bytes = 1});  // its reply is the owner's
  }
  Flush();
  Read();
}

void Connection::TakeInternal(const Place& place, Reply reply) {
  const int64_t time = TimeOf(*reply);
  if (time > 0 && place.bytes == 0) clock_.Learn(time);
  if (place.required && IsError(*reply) && handshake_error_.empty()) {
    handshake_error_ = std::string(TextOf(*reply));
  }
  if (place.bytes != 0) internal_replies_.push_back(std::move(reply));
  const bool more = !places_.empty() && places_.front().kind == place.kind;
  if (more) return;
  std::vector<Reply> replies;
  replies.swap(internal_replies_);
  if (place.kind == Place::Kind::kHandshake) {
    internal_replies_.swap(replies);
    return OnHandshaken();
  }
  pulse_under_way_ = false;
  const absl::Status status = owner_->OnPulse(*this, replies);
  if (!status.ok()) Break(std::string(status.message()), false);
}

void Connection::OnHandshaken() {
  std::vector<Reply> replies;
  replies.swap(internal_replies_);
  if (!handshake_error_.empty()) return Break("greeting: " + handshake_error_, true);
  const absl::Status status = owner_->OnGreeting(*this, replies);
  if (!status.ok()) {
    owner_->OnAttempt(*this, status);
    return Break(std::string(status.message()), true);
  }
  pace_.cancel();
  state_ = State::kReady;
  failures_ = 0;
  last_delay_ = Duration{0};
  last_error_.clear();
  ready_ = true;
  counters_->connects.fetch_add(1, std::memory_order_relaxed);
  owner_->OnAttempt(*this, absl::OkStatus());
}

void Connection::Break(const std::string& why, bool attempt_failed) {
  if (state_ == State::kStopped) return;
  const bool told = state_ == State::kConnecting && !attempt_failed;
  attempt_failed = attempt_failed || told;  // it never came to be of use
  counters_->failures.fetch_add(1, std::memory_order_relaxed);
  ready_ = false;
  state_ = State::kResting;
  const std::shared_ptr<Stream> stream = std::exchange(stream_, nullptr);
  if (stream != nullptr) stream->Close();
  last_error_ = server_.host + ":" + std::to_string(server_.port) + ": " + why;
  if (attempt_failed) ++failures_;
  Rest();
  const bool was_in_turn = std::exchange(in_turn_, true);  // nothing to flush into
  LoseSent(last_error_);
  if (attempt_failed) {
    LoseQueued({.sent = false, .why = last_error_, .retry_after = last_delay_});
    owner_->OnAttempt(*this, MakeStatus(HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE, last_error_));
  }
  in_turn_ = was_in_turn;
}

void Connection::Rest() {
  auto delay = backoff_.Delay(std::max<uint32_t>(1, failures_), FreshSeed(), last_delay_);
  last_delay_ = delay.ok() ? *delay : server_.reconnect_cap;
  retry_at_ = steady_clock::now() + last_delay_;
  pace_.expires_at(retry_at_);
  pace_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error && self->state_ == State::kResting) self->Connect();
  });
}

void Connection::ArmWatch(SteadyTime at) {
  watch_at_ = at;
  watch_.expires_at(at);
  watch_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error && self->state_ != State::kStopped) self->Watch();
  });
}

// Deadlines are looked at when the earliest may have passed, and with each pulse.
void Connection::Watch() {
  const SteadyTime now = steady_clock::now();
  watch_at_ = SteadyTime::max();
  SteadyTime next = now + kPulseEvery;
  in_turn_ = true;
  ExpireQueued(now);
  ExpireSent(now);
  const bool stuck = !places_.empty() &&
                     now - places_.front().sent > server_.round_trip_timeout + replication_.timeout;
  if (stuck && state_ == State::kReady) Break("no answer within round_trip_timeout", false);
  if (state_ == State::kReady && !pulse_under_way_ && now >= pulse_at_) {
    pulse_under_way_ = true;
    pulse_at_ = now + kPulseEvery;
    Append(Wire({"TIME"}), {.kind = Place::Kind::kPulse});
    for (const Wire& wire : owner_->Pulse()) {
      Append(wire, {.kind = Place::Kind::kPulse, .bytes = 1});
    }
  }
  in_turn_ = false;
  Flush();
  for (const auto& [exchange, bytes] : queue_) next = std::min(next, exchange->deadline);
  for (const Place& place : places_) {
    if (place.exchange != nullptr) next = std::min(next, place.exchange->deadline);
  }
  ArmWatch(std::min(next, watch_at_));
}

void Connection::ExpireQueued(SteadyTime now) {
  std::deque<std::pair<Exchange*, size_t>> queue;
  queue.swap(queue_);
  for (const auto& [exchange, bytes] : queue) {
    if (exchange->deadline > now) {
      queue_.emplace_back(exchange, bytes);
    } else {
      const std::string why = last_error_.empty() ? "" : "; " + last_error_;
      Lose(exchange, bytes, {.sent = false, .why = "the timeout ended before it was sent" + why});
    }
  }
}

void Connection::ExpireSent(SteadyTime now) {
  std::vector<Exchange*> late;
  for (Place& place : places_) {
    if (place.exchange == nullptr || place.exchange->deadline > now) continue;
    late.push_back(std::exchange(place.exchange, nullptr));
  }
  std::vector<std::pair<Exchange*, Reply>> unconfirmed;
  for (Held& one : held_) {
    if (one.exchange == nullptr || one.exchange->deadline > now) continue;
    unconfirmed.emplace_back(std::exchange(one.exchange, nullptr), std::move(one.reply));
  }
  const Loss loss{.sent = true, .why = "the timeout ended before the answer came"};
  for (Exchange* exchange : late) exchange->OnLost(loss);
  for (auto& [exchange, reply] : unconfirmed) exchange->OnReply(std::move(reply), kNotAsked);
}

}  // namespace holdfast::inline v0_5::redis
