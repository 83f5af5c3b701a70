# SPDX-License-Identifier: Apache-2.0
#
# Third parties, each looked up only when a part that needs it is on.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(HOLDFAST_SODIUM REQUIRED IMPORTED_TARGET libsodium)
find_package(absl CONFIG REQUIRED)

if(HOLDFAST_SQLITE)
  find_package(SQLite3 REQUIRED)
endif()
if(HOLDFAST_GRPC)
  # Debian ships no Protobuf CONFIG files, and gRPC's own need protobuf's targets to exist already.
  find_package(Protobuf REQUIRED MODULE)
  find_package(gRPC CONFIG REQUIRED)
endif()
if(HOLDFAST_ASIO)
  find_package(Boost 1.81 REQUIRED CONFIG)  # Asio itself is headers only
endif()
if(HOLDFAST_REDIS)
  find_package(Boost 1.81 REQUIRED CONFIG)
  find_package(OpenSSL REQUIRED)
  pkg_check_modules(HOLDFAST_HIREDIS REQUIRED IMPORTED_TARGET hiredis)
endif()
if(HOLDFAST_PROMETHEUS)
  find_package(prometheus-cpp CONFIG REQUIRED)
endif()
if(HOLDFAST_SEALED)
  pkg_check_modules(HOLDFAST_ZSTD REQUIRED IMPORTED_TARGET libzstd)
endif()
if(HOLDFAST_TESTS OR HOLDFAST_BENCH)
  # The distribution's own interpreter first: version-manager shims cost a fork per test.
  find_program(Python3_EXECUTABLE python3 PATHS /usr/bin NO_DEFAULT_PATH)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
endif()
if(HOLDFAST_TESTS)
  find_package(GTest CONFIG REQUIRED)
  find_package(rapidcheck CONFIG QUIET)
  find_package(spdlog CONFIG REQUIRED)
  if(HOLDFAST_ASIO)
    find_package(Boost 1.81 REQUIRED CONFIG COMPONENTS context)  # stackful coroutines
  endif()
endif()
if(HOLDFAST_BENCH)
  find_package(benchmark CONFIG REQUIRED)
endif()
