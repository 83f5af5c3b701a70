/* SPDX-License-Identifier: Apache-2.0 */
/* A client of ABI level 1, in plain C99, with drivers of its own: closed switches over every action it was
 * told of. It is built and run against each new library (tests/abi/clients_test.py); from 1.0 on against the
 * frozen headers beside it. An action, state or code that it does not know ends it with a message. */
#include <holdfast/c/hf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                      \
  do {                                                        \
    if (!(condition)) {                                       \
      fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
      exit(1);                                                \
    }                                                         \
  } while (0)

static hf_time now = 1000 * HF_MS; /* virtual: nothing here waits */
static unsigned actions_seen;

/* --- A guarded call ---------------------------------------------------------------------------------- */

typedef hf_outcome (*attempt_fn)(uint32_t attempt);

static hf_action run_call(hf_pipeline* pipeline, attempt_fn attempt, hf_bulkhead* crowded,
                          hf_permit* held) {
  hf_call_options options = HF_INIT(hf_call_options);
  hf_call call;
  hf_action next;
  memset(&call, 0, sizeof call);
  options.seed = 42;
  options.deadline = now + 60 * HF_S;
  options.flags = HF_CALL_IDEMPOTENT;
  CHECK(hf_call_start(&call, pipeline, &options, now, &next) == HF_OK);
  for (;;) {
    hf_outcome outcome;
    actions_seen |= 1u << next.kind;
    switch (next.kind) {
      case HF_DO_ATTEMPT:
        outcome = attempt(next.attempt);
        now += HF_MS;
        CHECK(hf_call_resume(&call, &outcome, now, &next) == HF_OK);
        break;
      case HF_DO_SLEEP:
        CHECK(next.until >= now);
        now = next.until;
        CHECK(hf_call_resume(&call, NULL, now, &next) == HF_OK);
        break;
      case HF_DO_WAIT:
        if (held != NULL && held->kind != HF_PERMIT_NONE) {
          CHECK(hf_bulkhead_release(crowded, held, now) == HF_OK);
        } else {
          now = next.until;
        }
        CHECK(hf_call_resume(&call, NULL, now, &next) == HF_OK);
        break;
      case HF_DO_FINISH:
        hf_call_abort(&call, now); /* idempotent */
        return next;
      default:
        fprintf(stderr, "action %d is newer than level %u\n", (int)next.kind, HF_ABI_LEVEL);
        exit(2);
    }
  }
}

static hf_outcome outcome_of(hf_code code) {
  hf_outcome outcome;
  memset(&outcome, 0, sizeof outcome);
  outcome.code = code;
  return outcome;
}
static hf_outcome third_time_lucky(uint32_t attempt) {
  return outcome_of(attempt < 3 ? HF_UNAVAILABLE : HF_OK);
}
static hf_outcome never(uint32_t attempt) { return (void)attempt, outcome_of(HF_UNAVAILABLE); }
static hf_outcome always(uint32_t attempt) { return (void)attempt, outcome_of(HF_OK); }

static void check_calls(void) {
  hf_retry* retry = NULL;
  hf_budget* budget = NULL;
  hf_breaker* breaker = NULL;
  hf_bulkhead* bulkhead = NULL;
  hf_pipeline* pipeline = NULL;
  hf_retry_options retry_options = HF_INIT(hf_retry_options);
  hf_breaker_options breaker_options = HF_INIT(hf_breaker_options);
  hf_bulkhead_options bulkhead_options = HF_INIT(hf_bulkhead_options);
  hf_pipeline_options options = HF_INIT(hf_pipeline_options);
  hf_permit held;
  hf_error error;
  hf_action end;
  retry_options.max_attempts = 4;
  breaker_options.minimum_calls = 6;
  bulkhead_options.limit = 1;
  bulkhead_options.queue = 1;
  CHECK(hf_retry_new(&retry_options, &retry, &error) == HF_OK);
  CHECK(hf_budget_new(NULL, &budget, &error) == HF_OK);
  CHECK(hf_breaker_new(&breaker_options, &breaker, &error) == HF_OK);
  CHECK(hf_bulkhead_new(&bulkhead_options, &bulkhead, &error) == HF_OK);
  options.retry = retry;
  options.budget = budget;
  options.breaker = breaker;
  options.bulkhead = bulkhead;
  CHECK(hf_pipeline_new(&options, &pipeline, &error) == HF_OK);

  end = run_call(pipeline, third_time_lucky, NULL, NULL);
  CHECK(end.code == HF_OK && end.reason == HF_R_NONE && end.attempt == 3);

  CHECK(hf_bulkhead_try_acquire(bulkhead, now, &held, NULL) == HF_OK);
  end = run_call(pipeline, always, bulkhead, &held);
  CHECK(end.code == HF_OK && end.attempt == 1);

  end = run_call(pipeline, never, NULL, NULL);
  CHECK(end.code == HF_UNAVAILABLE && end.attempt >= 1);
  CHECK(hf_breaker_force(breaker, HF_BREAKER_FORCED_OPEN, now) == HF_OK);
  end = run_call(pipeline, always, NULL, NULL);
  CHECK(end.code == HF_UNAVAILABLE && end.attempt == 0);
  CHECK(strcmp(hf_reason_name(end.reason), "reason_?") != 0);

  hf_pipeline_unref(pipeline);
  hf_bulkhead_unref(bulkhead);
  hf_breaker_unref(breaker);
  hf_budget_unref(budget);
  hf_retry_unref(retry);
}

/* --- Run once, over a store of one record ------------------------------------------------------------ */

static hf_record record;
static int present;
static unsigned statuses_seen;

static hf_store_reply execute(const hf_store_request* request) {
  hf_record next;
  hf_record_change change = HF_RECORD_KEEP;
  hf_store_reply reply;
  CHECK(hf_record_apply(present ? &record : NULL, request, now, 0, &next, &change, &reply) ==
        HF_OK);
  switch (change) {
    case HF_RECORD_KEEP:
      break;
    case HF_RECORD_WRITE:
      record = next, present = 1;
      break;
    case HF_RECORD_ERASE:
      present = 0;
      break;
    default:
      CHECK(!"a change newer than level 1");
  }
  statuses_seen |= 1u << reply.status;
  return reply;
}

static hf_action run_once(uint8_t nonce, const char* request_body, int* ran) {
  static const char kKey[] = "order-1";
  hf_str empty = {NULL, 0}, key = {kKey, sizeof kKey - 1};
  hf_idem_options options = HF_INIT(hf_idem_options);
  hf_idem idem;
  hf_action next;
  hf_store_request request;
  hf_store_reply reply;
  hf_outcome done = outcome_of(HF_OK);
  memset(&idem, 0, sizeof idem);
  CHECK(hf_idem_key_id(&empty, &empty, &empty, &key, options.key_id) == HF_OK);
  CHECK(hf_idem_fingerprint(request_body, strlen(request_body), options.fingerprint) == HF_OK);
  memset(options.nonce, nonce, sizeof options.nonce);
  options.seed = nonce;
  CHECK(hf_idem_start(&idem, &options, now, &next) == HF_OK);
  for (;;) {
    actions_seen |= 1u << next.kind;
    now += HF_MS;
    switch (next.kind) {
      case HF_DO_STORE:
        CHECK(hf_idem_request(&idem, &request) == HF_OK);
        reply = execute(&request);
        CHECK(hf_idem_on_reply(&idem, &reply, now, &next) == HF_OK);
        break;
      case HF_DO_SLEEP:
        now = next.until;
        CHECK(hf_idem_on_time(&idem, now, &next) == HF_OK);
        break;
      case HF_DO_RUN:
        ++*ran;
        CHECK(hf_idem_on_result(&idem, &done, "receipt", 7, now, &next) == HF_OK);
        break;
      case HF_DO_FINISH:
        CHECK(hf_idem_abort(&idem, now, &request) == 0);
        return next;
      default:
        fprintf(stderr, "action %d is newer than level %u\n", (int)next.kind, HF_ABI_LEVEL);
        exit(2);
    }
  }
}

static void check_run_once(void) {
  int ran = 0;
  hf_action end = run_once(1, "pay 10", &ran);
  CHECK(end.code == HF_OK && ran == 1);
  end = run_once(2, "pay 10", &ran);
  CHECK(end.code == HF_OK && ran == 1); /* replayed */
  end = run_once(3, "pay 99", &ran);
  CHECK(end.code == HF_INVALID_ARGUMENT && end.reason == HF_R_IDEM_MISMATCH && ran == 1);
  CHECK(statuses_seen & 1u << HF_STORE_REPLAY);
}

static void check_context(void) {
  static const char kHeader[] = "00-12345678901234567890123456789012-1234567890123456-01";
  hf_context_options options = HF_INIT(hf_context_options), back = HF_INIT(hf_context_options);
  hf_context* context = NULL;
  char text[HF_TRACEPARENT_SIZE];
  CHECK(hf_traceparent_parse(kHeader, sizeof kHeader - 1, &options.trace) == HF_OK);
  options.correlation_id.data = "story";
  options.correlation_id.size = 5;
  CHECK(hf_context_new(&options, &context, NULL) == HF_OK);
  CHECK(hf_context_swap(context) == NULL);
  CHECK(hf_context_get(hf_context_current(), &back) == HF_OK);
  CHECK(back.correlation_id.size == 5 && memcmp(back.correlation_id.data, "story", 5) == 0);
  CHECK(hf_traceparent_format(&back.trace, text) == HF_OK &&
        memcmp(text, kHeader, sizeof text) == 0);
  CHECK(hf_context_swap(NULL) == context);
  hf_context_unref(context);
}

int main(void) {
  const unsigned all = 1u << HF_DO_ATTEMPT | 1u << HF_DO_SLEEP | 1u << HF_DO_WAIT |
                       1u << HF_DO_FINISH | 1u << HF_DO_STORE | 1u << HF_DO_RUN;
  CHECK(hf_abi_level() >= HF_ABI_LEVEL);
  CHECK(hf_version() >> 16 == HF_VERSION_MAJOR);
  check_calls();
  check_run_once();
  check_context();
  CHECK((actions_seen & all) == all); /* or this client proves less than it says */
  puts("ok");
  return 0;
}
