# SPDX-License-Identifier: Apache-2.0
"""Conan 2 recipe: conan create conan -pr:a conan/debian12.profile

The versions are Debian 12's, the ones holdfast is tested with. The package brings its own
holdfastConfig.cmake, so find_package(holdfast COMPONENTS ...) is the same with and without Conan.
"""

import os

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain
from conan.tools.files import copy
from conan.tools.gnu import PkgConfigDeps

required_conan_version = ">=2.0"


class HoldfastConan(ConanFile):
    name = "holdfast"
    version = "0.5.0"
    license = "Apache-2.0"
    description = "Resilient integration primitives for C++20 behind a stable C ABI"
    topics = ("resilience", "retry", "circuit-breaker", "idempotency", "grpc")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    # Both libraries are always in the package; shared says which one holdfast::core links by default.
    options = {"shared": [True, False], "with_sqlite": [True, False], "with_grpc": [True, False],
               "with_asio": [True, False], "with_redis": [True, False], "with_postgres": [True, False],
               "with_sealed": [True, False], "with_prometheus": [True, False],
               "with_json": [True, False], "with_contract": [True, False]}
    default_options = {"shared": True, "with_sqlite": True, "with_grpc": True,
                       "with_asio": True, "with_redis": True, "with_postgres": True,
                       "with_sealed": True, "with_prometheus": True, "with_json": True,
                       "with_contract": True}

    exported = ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "src/*")

    def export_sources(self):
        for pattern in self.exported:
            copy(self, pattern, os.path.join(self.recipe_folder, ".."), self.export_sources_folder)

    def layout(self):
        self.folders.root = ".."  # the recipe lives one level below what it builds
        self.folders.source = "."
        self.folders.build = "build/conan"
        self.folders.generators = "build/conan/generators"

    def validate(self):
        check_min_cppstd(self, 20)

    def requirements(self):
        # Our public headers show Abseil's and the adapters' third parties, so users need them too.
        shown = {"transitive_headers": True, "transitive_libs": True}
        self.requires("abseil/20220623.1", **shown)
        self.requires("libsodium/1.0.18", transitive_libs=True)
        self.requires("protozero/1.7.1", visible=False)
        if self.options.with_json:
            self.requires("nlohmann_json/3.11.2", visible=False)
        if self.options.with_sqlite:
            self.requires("sqlite3/3.40.1", **shown)
        if self.options.with_grpc or self.options.with_contract:
            self.requires("protobuf/3.21.12", **shown)
        if self.options.with_grpc:
            self.requires("grpc/1.51.1", **shown)
        if self.options.with_postgres:
            self.requires("libpq/15.4", **shown)
        if self.options.with_asio or self.options.with_redis or self.options.with_postgres:
            self.requires("boost/1.81.0", **shown)
        if self.options.with_redis:
            self.requires("hiredis/0.14.1", transitive_libs=True)
            self.requires("openssl/3.0.22", transitive_libs=True)
        if self.options.with_prometheus:
            self.requires("prometheus-cpp/1.0.1", **shown)
        if self.options.with_sealed:
            self.requires("zstd/1.5.4", transitive_libs=True)

    def build_requirements(self):
        if self.options.with_grpc or self.options.with_contract:
            self.tool_requires("protobuf/<host_version>")

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables.update({
            "HOLDFAST_LINK_STATIC": not self.options.shared,
            "HOLDFAST_SQLITE": bool(self.options.with_sqlite),
            "HOLDFAST_GRPC": bool(self.options.with_grpc),
            "HOLDFAST_ASIO": bool(self.options.with_asio),
            "HOLDFAST_REDIS": bool(self.options.with_redis),
            "HOLDFAST_POSTGRES": bool(self.options.with_postgres),
            "HOLDFAST_PROMETHEUS": bool(self.options.with_prometheus),
            "HOLDFAST_SEALED": bool(self.options.with_sealed),
            "HOLDFAST_JSON": bool(self.options.with_json),
            "HOLDFAST_CONTRACT": bool(self.options.with_contract),
            "HOLDFAST_INSTALL": True,
            "HOLDFAST_TESTS": False,
            "HOLDFAST_EXAMPLES": False,
            "HOLDFAST_WERROR": False,
        })
        toolchain.generate()
        CMakeDeps(self).generate()
        PkgConfigDeps(self).generate()  # libsodium, hiredis and libzstd are found by pkg-config

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()

    def package_info(self):
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = [os.path.join("lib", "cmake", "holdfast")]
        self.cpp_info.set_property("pkg_config_name", "holdfast")
        self.cpp_info.libs = ["holdfast"]
