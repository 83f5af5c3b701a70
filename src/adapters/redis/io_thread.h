// SPDX-License-Identifier: Apache-2.0
// IoThread: the one thread on which all connections of a store live.
#ifndef HOLDFAST_ADAPTERS_REDIS_IO_THREAD_H_
#define HOLDFAST_ADAPTERS_REDIS_IO_THREAD_H_

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <thread>

namespace holdfast::inline v0_5::redis {

class IoThread {
 public:
  IoThread() : io_(1), work_(boost::asio::make_work_guard(io_)) {}
  ~IoThread() { Join(); }
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  void Start() {
    thread_ = std::thread([this] { io_.run(); });
  }
  // Returns when nothing is left to do: stop the connections first.
  void Join() {
    work_.reset();
    if (thread_.joinable()) thread_.join();
  }

  boost::asio::io_context& io() { return io_; }
  bool IsThisThread() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_IO_THREAD_H_
