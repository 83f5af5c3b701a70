/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and unloads: a process that is not linked with holdfast at all.
 *   loader share A B      two libraries, RTLD_LOCAL: one current context, on every thread
 *   loader reload LIB     dlopen, use, dlclose, a thousand times, and a fork in between */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                      \
  do {                                                        \
    if (!(condition)) {                                       \
      fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
      exit(1);                                                \
    }                                                         \
  } while (0)

struct context;
struct dso {
  void* handle;
  struct context* (*swap)(struct context*);
  struct context* (*current)(void);
  void (*set_header_slot)(int);
  int (*header_slot)(void);
  uint32_t (*version)(void);
  int32_t (*make)(struct context**);
  void (*unref)(struct context*);
};

static void find(void* handle, const char* name, void* out) {
  void* symbol = dlsym(handle, name);
  if (symbol == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  memcpy(out, &symbol, sizeof symbol);
}

static struct dso load(const char* path) {
  struct dso dso;
  dso.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (dso.handle == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  find(dso.handle, "dso_swap", &dso.swap);
  find(dso.handle, "dso_current", &dso.current);
  find(dso.handle, "dso_set_header_slot", &dso.set_header_slot);
  find(dso.handle, "dso_header_slot", &dso.header_slot);
  find(dso.handle, "dso_version", &dso.version);
  find(dso.handle, "dso_new", &dso.make);
  find(dso.handle, "dso_unref", &dso.unref);
  return dso;
}

static struct dso a, b;

static void* other_thread(void* mine) {
  CHECK(a.current() == NULL && b.current() == NULL);
  CHECK(b.swap(mine) == NULL);
  CHECK(a.current() == mine);
  CHECK(a.swap(NULL) == mine);
  return NULL;
}

static void share(const char* path_a, const char* path_b) {
  struct context *first, *second;
  pthread_t thread;
  a = load(path_a);
  b = load(path_b);
  CHECK(a.make(&first) == 0 && b.make(&second) == 0);
  CHECK(a.swap(first) == NULL);
  CHECK(b.current() == first);
  CHECK(pthread_create(&thread, NULL, other_thread, second) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(b.swap(NULL) == first);
  CHECK(a.current() == NULL);
  /* Why it lives in the shared object: a slot in a header is two slots. */
  a.set_header_slot(42);
  CHECK(a.header_slot() == 42 && b.header_slot() == 0);
  a.unref(second);
  b.unref(first);
}

static void use(const char* path) {
  struct context* context;
  struct dso dso = load(path);
  CHECK(dso.make(&context) == 0);
  CHECK(dso.swap(context) == NULL);
  CHECK(dso.current() == context);
  CHECK(dso.swap(NULL) == context);
  dso.unref(context);
  CHECK(dlclose(dso.handle) == 0);
}

static void reload(const char* path) {
  int i, status;
  for (i = 0; i < 1000; ++i) {
    use(path);
    if (i % 250 == 100) {
      const pid_t child = fork();
      CHECK(child >= 0);
      if (child == 0) {
        use(path);
        _exit(0);
      }
      CHECK(waitpid(child, &status, 0) == child);
      CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
  }
}

int main(int argc, char** argv) {
  if (argc == 4 && strcmp(argv[1], "share") == 0) {
    share(argv[2], argv[3]);
  } else if (argc == 3 && strcmp(argv[1], "reload") == 0) {
    reload(argv[2]);
  } else {
    return 2;
  }
  puts("ok");
  return 0;
}
