/* SPDX-License-Identifier: Apache-2.0 */
/* A blocking driver in plain C: retry and a breaker around a function that fails now and then. */
#define _POSIX_C_SOURCE 200809L
#include <holdfast/c/hf.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

static hf_time now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * HF_S + t.tv_nsec;
}

static void sleep_until(hf_time until) {
  const struct timespec t = {.tv_sec = until / HF_S, .tv_nsec = until % HF_S};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0) continue;
}

/* Do what the machine said, and tell it what happened: any driver is this loop. */
static hf_action call(hf_pipeline* pipeline, hf_outcome (*attempt)(uint32_t number)) {
  hf_call_options options = HF_INIT(hf_call_options);
  while (options.seed == 0 && getrandom(&options.seed, sizeof options.seed, 0) < 0) continue;
  options.deadline = now() + 2 * HF_S;
  options.flags = HF_CALL_IDEMPOTENT;
  hf_call session = {{0}};
  hf_action next = {.kind = HF_DO_FINISH, .code = HF_INTERNAL};
  hf_code code = hf_call_start(&session, pipeline, &options, now(), &next);
  while (code == HF_OK && next.kind != HF_DO_FINISH) {
    hf_outcome outcome = {.code = HF_OK};
    if (next.kind == HF_DO_ATTEMPT) outcome = attempt(next.attempt);
    if (next.kind == HF_DO_SLEEP) sleep_until(next.until);
    code = hf_call_resume(&session, next.kind == HF_DO_ATTEMPT ? &outcome : NULL, now(), &next);
  }
  hf_call_abort(&session, now()); /* gives everything back, if the loop ended early */
  return next;
}

static hf_outcome flaky(uint32_t number) {
  printf("attempt %u: %s\n", (unsigned)number, number < 3 ? "connection reset" : "done");
  return (hf_outcome){.code = number < 3 ? HF_UNAVAILABLE : HF_OK};
}

int main(void) {
  hf_pipeline* pipeline = NULL;
  hf_pipeline_options options = HF_INIT(hf_pipeline_options);
  hf_error error = {.text = ""};
  if (hf_retry_new(NULL, &options.retry, &error) != HF_OK ||
      hf_breaker_new(NULL, &options.breaker, &error) != HF_OK ||
      hf_pipeline_new(&options, &pipeline, &error) != HF_OK) {
    return fprintf(stderr, "%s\n", error.text), 1;
  }
  const hf_action end = call(pipeline, flaky);
  printf("%s after %u attempts\n", hf_code_name(end.code), (unsigned)end.attempt);
  hf_pipeline_unref(pipeline); /* it holds references of its own on both */
  hf_retry_unref(options.retry), hf_breaker_unref(options.breaker);
  return end.code == HF_OK ? 0 : 1;
}
