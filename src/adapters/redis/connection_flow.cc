// SPDX-License-Identifier: Apache-2.0
// See connection.h. Here: what goes over the connection.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "adapters/redis/connection.h"

namespace holdfast::inline v0_5::redis {
namespace {

// Enough to fill a socket's buffer; more would only make the first of them wait for the last.
constexpr size_t kBytesPerWrite = 1 << 20;

}  // namespace

Connection::Accepted Connection::Submit(Exchange& exchange) {
  Exchange* const one[] = {&exchange};
  return Submit(one);
}

Connection::Accepted Connection::Submit(std::span<Exchange* const> exchanges) {
  size_t bytes = 0;
  for (const Exchange* exchange : exchanges) bytes += exchange->wire.bytes().size();
  const auto count = static_cast<uint32_t>(exchanges.size());
  // Relaxed: counts, which guard no other memory.
  const uint32_t load = load_.fetch_add(count, std::memory_order_relaxed) + count;
  const size_t load_bytes = load_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  const bool room = load <= server_.max_queue && load_bytes <= server_.max_queue_bytes;
  bool post = false;
  bool closed = false;
  if (room) {
    const std::lock_guard lock(inbox_mutex_);
    closed = closed_;
    if (!closed) {
      inbox_.insert(inbox_.end(), exchanges.begin(), exchanges.end());
      post = !std::exchange(drain_posted_, true);
    }
  }
  if (!room || closed) {
    load_.fetch_sub(count, std::memory_order_relaxed);
    load_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    return closed ? Accepted::kStopped : Accepted::kOverloaded;
  }
  if (post) boost::asio::post(io_, [self = shared_from_this()] { self->Drain(); });
  return Accepted::kYes;
}

void Connection::Continue(Exchange& exchange) {
  const size_t bytes = exchange.wire.bytes().size();
  load_.fetch_add(1, std::memory_order_relaxed);
  load_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (state_ != State::kReady || (exchange.guarded && owner_->Refusal() != nullptr)) {
    // It may be lost at once, and whoever hears of that may go on with the next of many: not inside this one.
    return boost::asio::post(io_, [self = shared_from_this(), &exchange] {
      self->Admit(&exchange);
      self->Flush();
    });
  }
  Admit(&exchange);
  if (!in_turn_) Flush();
}

void Connection::Drain() {
  std::vector<Exchange*> taken;
  {
    const std::lock_guard lock(inbox_mutex_);
    taken.swap(inbox_);
    drain_posted_ = false;
  }
  in_turn_ = true;
  for (Exchange* exchange : taken) Admit(exchange);
  in_turn_ = false;
  Flush();
}

void Connection::Admit(Exchange* exchange) {
  const size_t bytes = exchange->wire.bytes().size();
  if (state_ == State::kStopped) return Lose(exchange, bytes, {.sent = false, .why = "closing"});
  if (state_ != State::kReady && failures_ > 0) {
    const auto wait = retry_at_ - std::chrono::steady_clock::now();
    return Lose(
        exchange, bytes,
        {.sent = false, .why = last_error_, .retry_after = std::max(Duration{0}, Duration(wait))});
  }
  queue_.emplace_back(exchange, bytes);
  if (exchange->deadline < watch_at_) ArmWatch(exchange->deadline);
}

void Connection::Append(const Wire& wire, Place place) {
  next_ += wire.bytes();
  place.sent = std::chrono::steady_clock::now();
  places_.push_back(place);
}

void Connection::Flush() {
  if (write_under_way_ || stream_ == nullptr) return;
  std::string& writing = *writing_;
  writing.clear();
  writing.swap(next_);
  std::vector<std::pair<Exchange*, size_t>> refused;
  std::string why;
  if (state_ == State::kReady) {
    const SteadyTime now = std::chrono::steady_clock::now();
    bool confirm = false;
    const char* const refusal = owner_->Refusal();
    if (refusal != nullptr) why = refusal;
    while (!queue_.empty() && writing.size() < kBytesPerWrite) {
      const auto [exchange, bytes] = queue_.front();
      queue_.pop_front();
      if (refusal != nullptr && exchange->guarded) {
        refused.emplace_back(exchange, bytes);
        continue;
      }
      if (exchange->asking) {
        writing += Wire({"ASKING"}).bytes();
        places_.push_back({Place::Kind::kAsking, false, false, nullptr, 0, now});
      }
      writing += exchange->wire.bytes();
      confirm = confirm || exchange->confirm;
      places_.push_back({Place::Kind::kExchange, exchange->confirm, false, exchange, bytes, now});
      counters_->commands.fetch_add(1, std::memory_order_relaxed);
    }
    if (confirm) {
      const std::string replicas = std::to_string(replication_.replicas);
      const std::string millis = std::to_string(
          std::chrono::duration_cast<std::chrono::milliseconds>(replication_.timeout).count());
      writing += Wire({"WAIT", replicas, millis}).bytes();
      places_.push_back({Place::Kind::kWait, false, false, nullptr, 0, now});
      counters_->waits.fetch_add(1, std::memory_order_relaxed);
    }
  }
  if (!writing.empty()) Write(writing);
  for (const auto& [exchange, bytes] : refused) {
    Lose(exchange, bytes, {.sent = false, .why = why});
  }
}

void Connection::Write(const std::string& writing) {
  write_under_way_ = true;
  counters_->writes.fetch_add(1, std::memory_order_relaxed);
  stream_->WriteAll(boost::asio::buffer(writing),
                    [self = shared_from_this(), stream = stream_, writing_of_it = writing_](
                        const boost::system::error_code& error, size_t) {
                      if (stream != self->stream_) return;  // of a connection that is gone
                      self->write_under_way_ = false;
                      if (error) return self->Break("sending: " + error.message(), false);
                      self->Flush();
                    });
}

void Connection::Read() {
  stream_->ReadSome(boost::asio::buffer(read_buffer_),
                    [self = shared_from_this(), stream = stream_](
                        const boost::system::error_code& error, size_t size) {
                      if (stream != self->stream_) return;
                      if (error) return self->Break("receiving: " + error.message(), false);
                      self->OnRead({self->read_buffer_.data(), size});
                    });
}

void Connection::OnRead(std::string_view bytes) {
  const std::shared_ptr<Stream> stream = stream_;
  in_turn_ = true;
  parser_->Feed(bytes);
  while (stream == stream_ && parser_->error().empty()) {
    Reply reply = parser_->Next();
    if (reply == nullptr) break;
    TakeReply(std::move(reply));
  }
  in_turn_ = false;
  if (stream != stream_) return Flush();
  if (!parser_->error().empty()) return Break(parser_->error(), false);
  Flush();
  if (stream == stream_) Read();
}

void Connection::TakeReply(Reply reply) {
  if (places_.empty()) return Break("a reply that nobody asked for", false);
  const Place place = places_.front();
  places_.pop_front();
  if (place.kind == Place::Kind::kAsking) return;  // the next reply says whether it helped
  if (place.kind == Place::Kind::kWait) return Confirm(*reply);
  if (place.kind != Place::Kind::kExchange) return TakeInternal(place, std::move(reply));
  if (place.exchange == nullptr) return Leave(place.bytes);
  if (place.confirm && place.exchange->Wrote(*reply)) {
    held_.push_back({place.exchange, std::move(reply), place.bytes});
    return;
  }
  Answer(place.exchange, place.bytes, std::move(reply), kNotAsked);
}

void Connection::Confirm(const redisReply& reply) {
  const int confirmed =
      reply.type == REDIS_REPLY_INTEGER ? static_cast<int>(reply.integer) : kNotAsked;
  std::vector<Held> held;
  held.swap(held_);
  for (Held& one : held) Answer(one.exchange, one.bytes, std::move(one.reply), confirmed);
}

void Connection::Answer(Exchange* exchange, size_t bytes, Reply reply, int confirmed) {
  Leave(bytes);
  if (exchange != nullptr) exchange->OnReply(std::move(reply), confirmed);
}

void Connection::Lose(Exchange* exchange, size_t bytes, const Loss& loss) {
  Leave(bytes);
  if (exchange != nullptr) exchange->OnLost(loss);
}

void Connection::Leave(size_t bytes) {
  load_.fetch_sub(1, std::memory_order_relaxed);
  load_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

// What is held has happened; only what replicas have is not known.
void Connection::LoseSent(const std::string& why) {
  std::vector<Held> held;
  std::deque<Place> places;
  held.swap(held_);
  places.swap(places_);
  for (Held& one : held) Answer(one.exchange, one.bytes, std::move(one.reply), kNotAsked);
  for (const Place& place : places) {
    if (place.kind != Place::Kind::kExchange) continue;
    Lose(place.exchange, place.bytes, {.sent = true, .why = why});
  }
}

void Connection::LoseQueued(const Loss& loss) {
  std::deque<std::pair<Exchange*, size_t>> queue;
  queue.swap(queue_);
  for (const auto& [exchange, bytes] : queue) Lose(exchange, bytes, loss);
}

}  // namespace holdfast::inline v0_5::redis
