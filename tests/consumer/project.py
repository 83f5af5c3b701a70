# SPDX-License-Identifier: Apache-2.0
"""Builds the small projects beside this file the way a stranger would: from the installed package."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = pathlib.Path(os.environ["HF_SOURCE_DIR"])
BINARY = pathlib.Path(os.environ["HF_BINARY_DIR"])
# What strict users compile with: our headers must survive all of it.
FLAGS = "-Wall -Wextra -Wpedantic -Werror -fvisibility=hidden"


def run(*command, env=None):
    command = [str(word) for word in command]
    print("+", " ".join(command), flush=True)
    result = subprocess.run(command, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(result.stdout, end="", flush=True)
    if result.returncode:
        sys.exit(f"failed with {result.returncode}")
    return result.stdout


def has_adapter(prefix, name):
    return (prefix / f"lib/cmake/holdfast/holdfast-{name}.cmake").exists()


def workspace():
    return tempfile.TemporaryDirectory(prefix="holdfast-consumer-")


def install(prefix):
    """Installs, then moves the tree: a package that remembers where it was built fails."""
    first = prefix.with_name(prefix.name + ".first")
    run("cmake", "--install", BINARY, "--prefix", first)
    first.rename(prefix)
    for file in prefix.rglob("*.cmake"):
        text = file.read_text()
        for path in (SOURCE, first):
            if str(path) in text:
                sys.exit(f"{file.relative_to(prefix)} names {path}")
    return prefix


def cmake_project(name, build, *settings):
    """Configures, builds and runs tests/consumer/<name>; its program is called consumer."""
    launcher = shutil.which("ccache")
    if launcher:
        settings += (f"-DCMAKE_CXX_COMPILER_LAUNCHER={launcher}",
                     f"-DCMAKE_C_COMPILER_LAUNCHER={launcher}")
    run("cmake", "-S", HERE / name, "-B", build, "-G", "Ninja",
        f"-DCMAKE_CXX_COMPILER={os.environ['HF_CXX']}", f"-DCMAKE_C_COMPILER={os.environ['HF_CC']}",
        f"-DCMAKE_CXX_FLAGS={FLAGS}", f"-DCMAKE_C_FLAGS={FLAGS}", *settings)
    run("cmake", "--build", build)
    return run(build / "consumer")
