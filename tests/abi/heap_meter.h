// SPDX-License-Identifier: Apache-2.0
// Memory, seen from outside: malloc and its kin are defined in the executable that includes this (one
// file of it only), so that the shared object's calls come here as well (its operator new ends in malloc).
#ifndef HOLDFAST_TESTS_ABI_HEAP_METER_H_
#define HOLDFAST_TESTS_ABI_HEAP_METER_H_

#include <errno.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEAP_IS_TAKEN 1  // by the sanitizer, which must see every allocation itself
#else
#define HEAP_IS_TAKEN 0
#endif

namespace {

// Counts what this thread does between Start and Stop, and can fail one allocation of it.
struct Meter {
  bool running = false;
  int allocations = 0;
  int frees = 0;
  int fail_at = 0;       // 0: none
  bool fail_on = false;  // and all after it
  int live() const { return allocations - failures - frees; }
  int failures = 0;
};
thread_local Meter meter;

}  // namespace

#if !HEAP_IS_TAKEN
namespace {

// True if this allocation is to fail.
bool Count() {
  if (!meter.running) return false;
  ++meter.allocations;
  if (meter.fail_at == 0) return false;
  const bool fails =
      meter.fail_on ? meter.allocations >= meter.fail_at : meter.allocations == meter.fail_at;
  if (fails) {
    ++meter.failures;
    errno = ENOMEM;
  }
  return fails;
}

}  // namespace

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* block);

void* malloc(size_t size) { return Count() ? nullptr : __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return Count() ? nullptr : __libc_calloc(count, size); }
void* realloc(void* block, size_t size) { return Count() ? nullptr : __libc_realloc(block, size); }
void* memalign(size_t alignment, size_t size) {
  return Count() ? nullptr : __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void** out, size_t alignment, size_t size) {
  *out = memalign(alignment, size);
  return *out == nullptr ? ENOMEM : 0;
}
void free(void* block) {
  if (meter.running && block != nullptr) ++meter.frees;
  __libc_free(block);
}
}
#endif

namespace {

Meter Measure(const std::function<void()>& steps, int fail_at = 0, bool fail_on = false) {
  meter = Meter{};
  meter.fail_at = fail_at;
  meter.fail_on = fail_on;
  meter.running = true;
  steps();
  meter.running = false;
  return meter;
}

class Heap : public testing::Test {
 protected:
  void SetUp() override {
    if (HEAP_IS_TAKEN) GTEST_SKIP() << "the sanitizer owns the heap";
  }

  // Checks outside the measured part would allocate; so steps record the first surprise instead.
  void Want(bool holds, const char* what) {
    if (!holds && surprise_ == nullptr) surprise_ = what;
  }

  void ExpectNoHeap(const std::function<void()>& steps) {
    const Meter used = Measure(steps);
    EXPECT_EQ(used.allocations, 0);
    EXPECT_EQ(used.frees, 0);
    EXPECT_TRUE(surprise_ == nullptr) << surprise_;
  }

 private:
  const char* surprise_ = nullptr;
};

#define WANT(condition) Want(condition, #condition)

}  // namespace

#endif  // HOLDFAST_TESTS_ABI_HEAP_METER_H_
