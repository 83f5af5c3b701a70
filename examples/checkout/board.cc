// SPDX-License-Identifier: Apache-2.0
#include "board.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace checkout {

Board::Board(void* memory, size_t size, uint32_t orders)
    // A new file is zeros, and zeros are counters at 0.
    : counters_(static_cast<Counters*>(memory)),
      by_order_(reinterpret_cast<Counter*>(counters_ + 1)),
      size_(size),
      orders_(orders) {}

Board::Board(Board&& other) noexcept
    : counters_(std::exchange(other.counters_, nullptr)),
      by_order_(other.by_order_),
      size_(other.size_),
      orders_(other.orders_) {}

Board::~Board() {
  if (counters_ != nullptr) munmap(counters_, size_);
}

absl::StatusOr<Board> Board::Map(const std::string& folder, uint32_t orders, int flags) {
  const std::string file = absl::StrCat(folder, "/board");
  const int fd = open(file.c_str(), O_RDWR | O_CLOEXEC | flags, 0600);
  if (fd < 0) return absl::ErrnoToStatus(errno, file);
  const size_t size = sizeof(Counters) + sizeof(Counter) * 2 * (size_t{orders} + 1);
  void* memory = MAP_FAILED;
  if (ftruncate(fd, static_cast<off_t>(size)) == 0) {
    memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  const int error = errno;
  close(fd);
  if (memory == MAP_FAILED) return absl::ErrnoToStatus(error, file);
  return Board(memory, size, orders);
}

absl::StatusOr<Board> Board::Create(const std::string& folder, uint32_t orders) {
  return Map(folder, orders, O_CREAT | O_EXCL);
}

absl::StatusOr<Board> Board::Open(const std::string& folder, uint32_t orders) {
  return Map(folder, orders, 0);
}

void Board::RaiseCharges(uint32_t count) const {
  uint32_t seen = counters_->charges.load();
  while (seen < count && !counters_->charges.compare_exchange_weak(seen, count)) {
  }
}

uint32_t Board::Arrive(Place place, uint32_t order) const {
  counters_->arrivals[static_cast<uint32_t>(place)].fetch_add(1);
  if (order > orders_) order = 0;
  return by_order_[2 * size_t{order} + (place == Place::kPayment ? 1 : 0)].fetch_add(1) + 1;
}

}  // namespace checkout
