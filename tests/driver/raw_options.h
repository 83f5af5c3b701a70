// SPDX-License-Identifier: Apache-2.0
// The options of a call as hf_call_start takes them, for who drives it by hand.
#ifndef HOLDFAST_TESTS_DRIVER_RAW_OPTIONS_H_
#define HOLDFAST_TESTS_DRIVER_RAW_OPTIONS_H_

#include <holdfast/c/call.h>
#include <holdfast/call_options.h>
#include <holdfast/match.h>

#include <algorithm>

namespace holdfast::driver_test {

// Pinned; borrows what `asked` borrows. Without a waker.
class RawOptions {
 public:
  RawOptions(const CallOptions& asked, hf_time now)
      : facts_(ToFacts(*asked.facts)), raw_(HF_INIT(hf_call_options)) {
    raw_.seed = asked.seed;
    raw_.deadline = asked.deadline;
    if (asked.timeout.count() != 0) {
      const hf_time end = std::max<hf_time>(1, now + asked.timeout.count());
      raw_.deadline = asked.deadline == 0 ? end : std::min(asked.deadline, end);
    }
    raw_.flags = asked.idempotent ? HF_CALL_IDEMPOTENT : 0;
    raw_.context = asked.context;
    raw_.facts = &facts_;
    raw_.request = asked.request;
    raw_.cost = asked.cost;
  }
  RawOptions(const RawOptions&) = delete;
  RawOptions& operator=(const RawOptions&) = delete;

  hf_call_options& operator*() { return raw_; }

 private:
  const hf_facts facts_;
  hf_call_options raw_;
};

}  // namespace holdfast::driver_test

#endif  // HOLDFAST_TESTS_DRIVER_RAW_OPTIONS_H_
