/* SPDX-License-Identifier: Apache-2.0 */
/* A wall clock that a test moves while a program runs: preloaded into it. HF_CLOCK_FILE holds the seconds to add, as
 * eight bytes in this machine's order; writing to the file moves the clock at once. Steady clocks stay as they are.
 * (libfaketime does not start with redis-server: jemalloc asks for the time inside its own first call.) */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t* offset;

__attribute__((constructor)) static void OpenOffset(void) {
  const char* const path = getenv("HF_CLOCK_FILE");
  if (path == NULL) return;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void* const map = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (map != MAP_FAILED) offset = map;
}

static int64_t Offset(void) { return offset == NULL ? 0 : *offset; }

int clock_gettime(clockid_t clock, struct timespec* now) {
  const long failed = syscall(SYS_clock_gettime, clock, now);
  if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    now->tv_sec += Offset();
  }
  return (int)failed;
}

int gettimeofday(struct timeval* now, void* zone) {
  const long failed = syscall(SYS_gettimeofday, now, zone);
  if (failed == 0) now->tv_sec += Offset();
  return (int)failed;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}
