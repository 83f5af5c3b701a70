# SPDX-License-Identifier: Apache-2.0
"""holdfast_contracts() by itself: what it makes anew when a file changes, and what it refuses. Nothing is compiled."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("HF_SOURCE_DIR") or pathlib.Path(__file__).parents[2])
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(contracts LANGUAGES CXX)
add_library(holdfast::contract INTERFACE IMPORTED)
add_executable(protobuf::protoc IMPORTED)
set_property(TARGET protobuf::protoc PROPERTY IMPORTED_LOCATION "%s")
include("%s/cmake/HoldfastContracts.cmake")
add_library(mine STATIC mine.cc)
holdfast_contracts(mine MANIFEST "my contracts/contracts.textproto" IMPORTS common)
"""
MANIFEST = """# descriptor_set: "not/there.binpb"
contract { name: "a" version { number: "1.0" message: "Order" descriptor_set: "%s" } }
"""
SET = "order-1.0.binpb"


class Contracts(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="holdfast-cmake-")))
        self.write("CMakeLists.txt", PROJECT % (shutil.which("protoc"), ROOT))
        self.write("mine.cc", "")
        self.write("common/money.proto", 'syntax = "proto3"; message Money { int64 units = 1; }')
        self.write("my contracts/order-1.0/order.proto",
                   'syntax = "proto3"; import "money.proto"; message Order { Money total = 1; }')

    def write(self, path, text):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def cmake(self, *words):
        return subprocess.run(["cmake", *words], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)

    def configure(self, name):
        self.write("my contracts/contracts.textproto", MANIFEST % name)
        return self.cmake("-G", "Ninja", "-S", ".", "-B", "build")

    def set_of(self):
        built = self.cmake("--build", "build", "--target", f"mine.contracts/{SET}")
        self.assertEqual(built.returncode, 0, built.stdout)
        return (self.folder / "build/mine.contracts" / SET).read_bytes()

    def test_a_change_of_what_is_imported_is_seen(self):
        configured = self.configure(SET)
        self.assertEqual(configured.returncode, 0, configured.stdout)
        self.assertIn(b"units", self.set_of())
        self.write("common/money.proto", 'syntax = "proto3"; message Money { int64 cents = 1; }')
        self.assertIn(b"cents", self.set_of())

    def test_a_set_is_below_the_root(self):
        (self.folder / "order-1.0").mkdir()
        self.write("order-1.0/order.proto", 'syntax = "proto3"; message Order {}')
        for name in (f"../{SET}", f"/{SET}", f"x/../../{SET}", f"./{SET}"):
            with self.subTest(name):
                configured = self.configure(name)
                self.assertNotEqual(configured.returncode, 0, configured.stdout)
                self.assertIn("no path below", " ".join(configured.stdout.split()))


if __name__ == "__main__":
    if not all(map(shutil.which, ("cmake", "ninja", "protoc"))):
        print("skipped: there is no cmake, ninja or protoc")
        sys.exit(77)
    unittest.main()
