#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Purity, proved by the linker: what the shared object may need.

The library reads no clock, starts no thread, opens no file or socket, and asks the environment nothing.
Whatever it imports must exist on Debian 12.
"""
import os
import re
import tempfile
import unittest
from pathlib import Path

import elf
from headers import run

ALLOWED_NEEDED = re.compile(
    r"(libsodium\.so\.\d+|libstdc\+\+\.so\.6|libm\.so\.6|libgcc_s\.so\.1|libc\.so\.6|ld-linux-[\w-]+\.so\.\d)"
)
DENIED = re.compile(
    r"(clock_\w+|time|gettimeofday|timespec_get|nanosleep|usleep|sleep|pthread_create|thrd_create"
    r"|socket|connect|bind|listen|accept4?|send(to|msg)?|recv(from|msg)?|poll|ppoll|select|epoll_\w+"
    r"|open(64|at|at64)?|fopen(64)?|read|pread(64)?|write|pwrite(64)?|fwrite|fputs|puts|getenv|secure_getenv"
    r"|setenv|getrandom|getentropy|arc4random\w*|s?rand(om)?(_r)?|[dejlmn]rand48|dlopen|dlsym|fork|system"
    r"|_*[a-z]*printf(_chk)?|randombytes\w*"
    # the same through the C++ library: streams, threads, clocks, random_device, locales
    r"|_ZNSt6chrono\w+|_ZNSt6thread\w+|_ZNSt13random_device\w+|_ZSt4c(out|err|in)|_ZNSt8ios_base\w+"
    r"|_ZNSt18condition_variable\w+|_ZNSo\w*|_ZNSi\w*)"
)
# Debian 12: glibc 2.36, GCC 12.2.
NEWEST = {"GLIBC": (2, 36), "GLIBCXX": (3, 4, 30), "CXXABI": (1, 3, 13), "GCC": (12, 0, 0)}


def import_errors(symbols, needed):
    errors = [f"NEEDED {n}" for n in needed if not ALLOWED_NEEDED.fullmatch(n)]
    for name, version in symbols:
        if DENIED.fullmatch(name):
            errors.append(f"imports {name}")
        family, _, number = version.partition("_")
        if family in NEWEST and re.fullmatch(r"[\d.]+", number):
            if tuple(int(n) for n in number.split(".")) > NEWEST[family]:
                errors.append(f"{name} needs {version}")
    return errors


def errors_of(path):
    return import_errors(elf.imports(path), elf.needed(path))


class Imports(unittest.TestCase):
    def setUp(self):
        if os.environ.get("HF_SANITIZE"):
            self.skipTest("a sanitizer brings imports of its own")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_the_library_is_pure(self):
        self.assertEqual(errors_of(elf.library()), [])
        self.assertGreater(len(elf.imports(elf.library())), 5)

    def test_the_library_carries_its_names_and_flags(self):
        dynamic = run("readelf", "-dW", elf.library())
        self.assertRegex(dynamic, r"SONAME.*\[libholdfast\.so\.0\]")
        self.assertRegex(dynamic, r"NODELETE")
        self.assertRegex(dynamic, r"\bNOW\b")
        self.assertNotRegex(dynamic, r"TEXTREL")
        self.assertNotRegex(dynamic, r"R(UN)?PATH")

    # --- canaries ----------------------------------------------------------------------------------------

    def build(self, source, *flags):
        path, target = self.folder / "canary.cc", self.folder / "libcanary.so"
        path.write_text(source)
        run("g++", "-std=c++20", "-O1", "-fPIC", "-shared", path, "-o", target, *flags)
        return errors_of(target)

    def test_each_impurity_is_reported(self):
        for name, source in {
            "getenv": '#include <cstdlib>\nchar* F() { return std::getenv("HOME"); }',
            "printf": '#include <cstdio>\nint F(int i) { return std::printf("%d", i); }',
            "snprintf": '#include <cstdio>\nint F(char* s, int i) { return std::snprintf(s, 9, "%d", i); }',
            "clock_gettime": "#include <time.h>\nint F(timespec* t) { return clock_gettime(1, t); }",
            "time": "#include <time.h>\ntime_t F() { return time(nullptr); }",
            "pthread_create": "#include <pthread.h>\nint F(pthread_t* t, void* (*f)(void*)) "
                              "{ return pthread_create(t, nullptr, f, nullptr); }",
            "socket": "#include <sys/socket.h>\nint F() { return socket(1, 2, 0); }",
            "getrandom": "#include <sys/random.h>\nlong F(void* p) { return getrandom(p, 1, 0); }",
            "_ZNSt6chrono3_V212steady_clock3nowEv":
                "#include <chrono>\nauto F() { return std::chrono::steady_clock::now(); }",
            "_ZSt4cout": "#include <iostream>\nvoid F() { std::cout << 1; }",
        }.items():
            with self.subTest(name):
                self.assertIn(f"imports {name}", self.build(source))

    def test_a_foreign_library_is_reported(self):
        self.assertIn("NEEDED libresolv.so.2", self.build("", "-Wl,--no-as-needed", "-lresolv"))

    def test_a_newer_runtime_is_reported(self):
        self.assertEqual(import_errors([("memcpy", "GLIBC_2.14")], []), [])
        self.assertEqual(import_errors([("f", "GLIBC_2.38")], []), ["f needs GLIBC_2.38"])
        self.assertEqual(import_errors([("g", "GLIBCXX_3.4.31")], []), ["g needs GLIBCXX_3.4.31"])

    def test_a_pure_object_passes(self):
        self.assertEqual(self.build("#include <mutex>\nstd::mutex m; int F() { std::lock_guard l(m); return 1; }"),
                         [])


if __name__ == "__main__":
    unittest.main()
