/* SPDX-License-Identifier: Apache-2.0 */
/* A driver in plain C, to be copied: `drive` does what hf_call_* says, and decides nothing.
 * Below it a program: a thread that calls, and others that give it a permit or call it off. */
#define _POSIX_C_SOURCE 200809L
#include <holdfast/c/hf.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

/* What a driver needs of who it drives for. */
struct surroundings {
  void* self;
  hf_time (*now)(void* self);
  void (*wait)(void* self, hf_time until); /* until then (HF_INFINITE: for ever), or until wake */
  void (*wake)(void* self);                /* in any thread; one that comes too early is kept */
  int (*cancelled)(void* self);            /* the caller wants no more, and has called wake */
  hf_outcome (*attempt)(void* self, const hf_action* told); /* ends early if cancelled */
  void (*see)(void* self, const hf_action* action);         /* each, before it is done */
};

struct drive {
  const struct surroundings* with;
  hf_call session;
  hf_action next;
  hf_outcome last; /* of the last attempt */
  uint32_t made;
};

/* Ends it early: every permit goes back. */
static void end(struct drive* drive, hf_code code, hf_reason reason) {
  hf_call_abort(&drive->session, drive->with->now(drive->with->self));
  drive->next =
      (hf_action){.kind = HF_DO_FINISH, .code = code, .reason = reason, .attempt = drive->made};
  drive->with->see(drive->with->self, &drive->next);
}

/* A refused step (say, an outcome outside its set) is still pending: it must not become a loop. */
static void note(struct drive* drive, hf_code code) {
  if (code == HF_OK || drive->next.kind == HF_DO_FINISH) {
    drive->with->see(drive->with->self, &drive->next);
  } else {
    end(drive, code, drive->next.reason);
  }
}

static void resume(struct drive* drive, const hf_outcome* outcome) {
  const hf_time now = drive->with->now(drive->with->self);
  note(drive, hf_call_resume(&drive->session, outcome, now, &drive->next));
}

/* A wake-up ends a WAIT. A SLEEP goes on: a wake-up then is late, of a wait that is over. */
static void rest(const struct surroundings* with, const hf_action* action) {
  const hf_time until = action->until == 0 ? HF_INFINITE : action->until;
  do {
    with->wait(with->self, until);
  } while (action->kind == HF_DO_SLEEP && !with->cancelled(with->self) &&
           with->now(with->self) < until);
}

/* Do what the machine said, and tell it what happened: any driver is this loop. */
static hf_action drive(const struct surroundings* with, hf_pipeline* pipeline,
                       hf_call_options options) {
  struct drive call = {.with = with, .last = {.code = HF_CANCELLED}};
  options.waker = (hf_waker){with->wake, with->self};
  const hf_time start = with->now(with->self);
  note(&call, hf_call_start(&call.session, pipeline, &options, start, &call.next));
  while (call.next.kind != HF_DO_FINISH) {
    const int attempts = call.next.kind == HF_DO_ATTEMPT;
    if (!attempts) rest(with, &call.next);
    if (with->cancelled(with->self)) {
      end(&call, call.last.code, HF_R_ABORTED); /* the last attempt's own error is kept */
    } else if (attempts) {
      call.last = with->attempt(with->self, &call.next);
      call.made = call.next.attempt;
      resume(&call, &call.last);
    } else {
      resume(&call, NULL);
    }
  }
  return call.next;
}

/* --- a program: its caller waits on a condition variable, so that others can end its waits ------- */
struct caller {
  pthread_mutex_t mutex;
  pthread_cond_t changed; /* on CLOCK_MONOTONIC */
  int woken, called_off;
  uint32_t failures; /* that its dependency has yet to give */
  hf_time start;
};

static hf_time now(void* self) {
  struct timespec t;
  (void)self;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * HF_S + t.tv_nsec;
}

static void wait_until(void* self, hf_time until) {
  struct caller* caller = self;
  const struct timespec t = {.tv_sec = until / HF_S, .tv_nsec = until % HF_S};
  pthread_mutex_lock(&caller->mutex);
  while (!caller->woken && now(NULL) < until) {
    pthread_cond_timedwait(&caller->changed, &caller->mutex, &t);
  }
  caller->woken = 0;
  pthread_mutex_unlock(&caller->mutex);
}

static void tell(struct caller* caller, int* what) {
  pthread_mutex_lock(&caller->mutex);
  *what = caller->woken = 1;
  pthread_cond_signal(&caller->changed);
  pthread_mutex_unlock(&caller->mutex);
}

static void wake(void* self) { tell(self, &((struct caller*)self)->woken); }

static int cancelled(void* self) {
  struct caller* caller = self;
  pthread_mutex_lock(&caller->mutex);
  const int called_off = caller->called_off;
  pthread_mutex_unlock(&caller->mutex);
  return called_off;
}

static hf_outcome attempt(void* self, const hf_action* told) {
  struct caller* caller = self;
  const int fails = told->fault == 0 && caller->failures > 0; /* a fault: give its canned answer */
  caller->failures -= (uint32_t)fails;
  return (hf_outcome){.code = fails ? HF_UNAVAILABLE : HF_OK};
}

static void see(void* self, const hf_action* action) {
  static const char* const kNames[] = {"", "attempt", "sleep", "wait", "finish"};
  const hf_time at = now(NULL), start = ((struct caller*)self)->start;
  printf("%5.0f ms  %s", (double)(at - start) / 1e6, kNames[action->kind]);
  if (action->kind == HF_DO_ATTEMPT) printf(" %u", (unsigned)action->attempt);
  if (action->kind == HF_DO_SLEEP || action->kind == HF_DO_WAIT) {
    printf(" for at most %.0f ms", (double)(action->until - at) / 1e6);
  }
  if (action->kind == HF_DO_FINISH) {
    printf(": %s, %s", hf_code_name(action->code), hf_reason_name(action->reason));
  }
  printf("\n");
}

static hf_action call(struct caller* caller, hf_pipeline* pipeline, const char* title) {
  const struct surroundings with = {caller, now, wait_until, wake, cancelled, attempt, see};
  hf_call_options options = HF_INIT(hf_call_options);
  while (options.seed == 0 && getrandom(&options.seed, sizeof options.seed, 0) < 0) continue;
  options.deadline = now(NULL) + 2 * HF_S;
  options.flags = HF_CALL_IDEMPOTENT;
  caller->start = now(NULL);
  printf("%s\n", title);
  return drive(&with, pipeline, options);
}

/* --- another one: after 30 ms it gives its permit back, or calls the call off ------------------ */
struct other {
  struct caller* caller;
  hf_bulkhead* bulkhead;
  hf_permit permit;
};

static void* interfere(void* of) {
  struct other* other = of;
  nanosleep(&(struct timespec){.tv_nsec = 30 * HF_MS}, NULL);
  if (other->permit.kind != HF_PERMIT_NONE) {
    hf_bulkhead_release(other->bulkhead, &other->permit, now(NULL));
  } else {
    tell(other->caller, &other->caller->called_off);
  }
  return NULL;
}

int main(void) {
  hf_pipeline* pipeline = NULL;
  hf_retry_options often = HF_INIT(hf_retry_options);
  hf_bulkhead_options narrow = HF_INIT(hf_bulkhead_options);
  hf_pipeline_options guards = HF_INIT(hf_pipeline_options);
  hf_error error = {.text = ""};
  often.jitter = HF_JITTER_EQUAL;
  narrow.limit = narrow.queue = 1;
  if (hf_retry_new(&often, &guards.retry, &error) != HF_OK ||
      hf_bulkhead_new(&narrow, &guards.bulkhead, &error) != HF_OK ||
      hf_pipeline_new(&guards, &pipeline, &error) != HF_OK) {
    return fprintf(stderr, "%s\n", error.text), 1;
  }
  struct caller caller = {.mutex = PTHREAD_MUTEX_INITIALIZER, .failures = 2};
  pthread_condattr_t steady;
  pthread_condattr_init(&steady);
  pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
  pthread_cond_init(&caller.changed, &steady);
  struct other other = {.caller = &caller, .bulkhead = guards.bulkhead};
  pthread_t thread;
  int worked = call(&caller, pipeline, "its dependency fails twice").code == HF_OK;

  hf_bulkhead_try_acquire(other.bulkhead, now(NULL), &other.permit, NULL);
  pthread_create(&thread, NULL, interfere, &other);
  worked &= call(&caller, pipeline, "another one has the only permit").code == HF_OK;
  pthread_join(thread, NULL);

  caller.failures = 9;
  pthread_create(&thread, NULL, interfere, &other);
  worked &= call(&caller, pipeline, "called off while it sleeps").reason == HF_R_ABORTED;
  pthread_join(thread, NULL);

  pthread_cond_destroy(&caller.changed);
  hf_pipeline_unref(pipeline); /* it holds references of its own on both */
  hf_retry_unref(guards.retry), hf_bulkhead_unref(guards.bulkhead);
  return worked ? 0 : 1;
}
