// SPDX-License-Identifier: Apache-2.0
//
// A client built with clang and libc++, on a library built with GCC and libstdc++: two C++ runtimes in one
// process, and only the C headers between them. Its user code throws through its own driver, and the session
// is settled on the way out.
#include <holdfast/c/hf.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>

#ifndef _LIBCPP_VERSION
#error "this client is about libc++"
#endif

namespace {

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::exit(1);
}

// Settles the call however its scope is left.
struct Session {
  hf_call call{};
  hf_time now = HF_S;
  ~Session() { hf_call_abort(&call, now); }
};

hf_code Drive(hf_pipeline* pipeline, const std::function<hf_code(unsigned)>& attempt) {
  hf_call_options options = HF_INIT(hf_call_options);
  options.seed = 7;
  options.flags = HF_CALL_IDEMPOTENT;
  Session session;
  hf_action next{};
  Require(hf_call_start(&session.call, pipeline, &options, session.now, &next) == HF_OK, "start");
  while (next.kind != HF_DO_FINISH) {
    hf_outcome outcome{};
    if (next.kind == HF_DO_ATTEMPT) outcome.code = attempt(next.attempt);
    if (next.kind == HF_DO_SLEEP) session.now = next.until;
    Require(hf_call_resume(&session.call, next.kind == HF_DO_ATTEMPT ? &outcome : nullptr,
                           session.now, &next) == HF_OK,
            "resume");
  }
  return next.code;
}

uint32_t InFlight(hf_bulkhead* bulkhead) {
  hf_bulkhead_snapshot snapshot{};
  snapshot.struct_size = sizeof snapshot;
  Require(hf_bulkhead_read(bulkhead, &snapshot) == HF_OK, "read");
  return snapshot.in_flight;
}

}  // namespace

int main() {
  hf_retry* retry = nullptr;
  hf_bulkhead* bulkhead = nullptr;
  hf_pipeline* pipeline = nullptr;
  hf_error error{};
  Require(hf_retry_new(nullptr, &retry, &error) == HF_OK, error.text);
  Require(hf_bulkhead_new(nullptr, &bulkhead, &error) == HF_OK, error.text);
  hf_pipeline_options options = HF_INIT(hf_pipeline_options);
  options.retry = retry;
  options.bulkhead = bulkhead;
  Require(hf_pipeline_new(&options, &pipeline, &error) == HF_OK, error.text);

  std::string log;
  Require(Drive(pipeline,
                [&](unsigned n) {
                  log += std::to_string(n);
                  return n < 2 ? HF_UNAVAILABLE : HF_OK;
                }) == HF_OK &&
              log == "12",
          "the second attempt succeeds");

  try {
    Drive(pipeline, [&](unsigned) -> hf_code {
      Require(InFlight(bulkhead) == 1, "the attempt holds a permit");
      throw std::runtime_error("of the user");
    });
    Require(false, "the exception was swallowed");
  } catch (const std::runtime_error& thrown) {
    Require(thrown.what() == std::string("of the user"), "another exception came out");
  }
  Require(InFlight(bulkhead) == 0, "the permit was given back");

  hf_retry_options bad = HF_INIT(hf_retry_options);
  bad.base = -1;
  hf_retry* none = nullptr;
  Require(hf_retry_new(&bad, &none, &error) == HF_INVALID_ARGUMENT && none == nullptr, "refused");
  Require(std::string(error.text).find("base") != std::string::npos, error.text);

  hf_pipeline_unref(pipeline);
  hf_bulkhead_unref(bulkhead);
  hf_retry_unref(retry);
  std::puts("ok");
}
