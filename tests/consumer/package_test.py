# SPDX-License-Identifier: Apache-2.0
"""The installed package: find_package with each set of components, and pkg-config from C."""

import os
import pathlib
import subprocess
import sys

import project


def refuses_unknown_component(prefix, work):
    """A component that was never built is an error that names it, not a link error later."""
    (work / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES C CXX)\n"
        "find_package(holdfast 0.5 REQUIRED COMPONENTS core telepathy)\n")
    result = subprocess.run(
        ["cmake", "-G", "Ninja", "-S", str(work), "-B", str(work / "build"),
         f"-DCMAKE_PREFIX_PATH={prefix}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode == 0 or "telepathy" not in result.stdout:
        sys.exit("an unknown component was accepted:\n" + result.stdout)


def pkg_config(prefix, work):
    env = {"PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
    flags = project.run("pkg-config", "--cflags", "--libs", "holdfast", env=env).split()
    project.run(os.environ["HF_CC"], "-std=c99", *project.FLAGS.split(),
                project.HERE / "c/main.c", "-o", work / "c", *flags)
    project.run(work / "c", env={"LD_LIBRARY_PATH": str(prefix / "lib")})


with project.workspace() as name:
    top = pathlib.Path(name)
    prefix = project.install(top / "prefix")
    where = f"-DCMAKE_PREFIX_PATH={prefix}"
    pkg_config(prefix, top)
    project.cmake_project("core", top / "core", where)
    project.run(top / "core/consumer_static")
    if "libholdfast" in project.run("ldd", top / "core/consumer_static"):
        sys.exit("HOLDFAST_LINKAGE=static still needs the shared object")
    for adapter in ("sqlite", "redis", "postgres", "grpc", "asio", "metrics", "sealed", "json",
                    "contract"):
        if project.has_adapter(prefix, adapter):
            project.cmake_project(adapter, top / adapter, where)
    (top / "unknown").mkdir()
    refuses_unknown_component(prefix, top / "unknown")
