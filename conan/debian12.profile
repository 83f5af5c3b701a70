# SPDX-License-Identifier: Apache-2.0
# Debian 12 with the packages of ./dev setup: everything comes from the system, nothing is downloaded.
[settings]
os=Linux
arch=x86_64
build_type=Release
compiler=gcc
compiler.version=12
compiler.libcxx=libstdc++11
compiler.cppstd=20

[platform_requires]
abseil/20220623.1
libsodium/1.0.18
protozero/1.7.1
nlohmann_json/3.11.2
zstd/1.5.4
sqlite3/3.40.1
protobuf/3.21.12
grpc/1.51.1
boost/1.81.0
hiredis/0.14.1
openssl/3.0.22
libpq/15.4
prometheus-cpp/1.0.1

[platform_tool_requires]
protobuf/3.21.12

[conf]
tools.cmake.cmaketoolchain:generator=Ninja
