# SPDX-License-Identifier: Apache-2.0
"""./dev itself: what it says and does before there is anything to build with. Runs a copy of it in an
empty folder, with stand-ins for the system's own programs."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("HF_SOURCE_DIR", "."))
failures = []


def expect(condition, what, result):
    if not condition:
        failures.append(f"{what}: got {result.returncode}\n{result.stdout}")


def door(folder, *words, search=os.environ["PATH"], **programs):
    """Runs ./dev with the given stand-ins ({name: body}) before the real programs on PATH."""
    shutil.copy(SOURCE / "dev", folder)
    bin_folder = pathlib.Path(folder, "bin")
    bin_folder.mkdir(exist_ok=True)
    for name, body in programs.items():
        path = bin_folder / name.replace("_", "-")
        path.write_text("#!/bin/sh\n" + body + "\n")
        path.chmod(0o755)
    return subprocess.run([f"{folder}/dev", *words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "DEBIAN_FRONTEND": "", "PATH": f"{bin_folder}:{search}"})


with tempfile.TemporaryDirectory() as folder:
    script = (SOURCE / "dev").read_text()
    verbs = set(re.findall(r"^  (\w+)\)", script[script.rindex("case"):], re.M))
    result = door(folder, "help")
    expect(result.returncode == 0, "help", result)
    for verb in verbs:
        expect(re.search(rf"^  {verb}\b", result.stdout, re.M), f"help does not name {verb}", result)

    for words in (["deploy"], ["test", "integration"], ["ci", "now"], ["setup", "x"], ["plots", "x"],
                  ["lint", "-x"], ["sanitize"], ["sanitize", "msan"], ["example", "nowhere"]):
        result = door(folder, *words)
        expect(result.returncode == 2 and words[-1] in result.stdout, f"{words} must end with 2", result)

    nothing = {"dpkg_query": "exit 1", "apt_get": f'echo "$DEBIAN_FRONTEND $*" >>{folder}/apt'}
    result = door(folder, "build", id="echo 1000", **nothing)
    expect(result.returncode == 1 and re.search(
        r"sudo apt-get -o DPkg::Lock::Timeout=400 install -y .*--no-install-recommends .*\bg\+\+",
        result.stdout), "without root it must print the line to run", result)

    result = door(folder, "setup", id="echo 0", **nothing)
    asked = pathlib.Path(folder, "apt").read_text().splitlines()
    expect(result.returncode == 0 and len(asked) == 2 and asked[0].endswith("update -q")
           and all(line.startswith("noninteractive ") for line in asked) and " ninja-build " in asked[1],
           f"as root it must install: {asked}", result)

    result = door(folder, "setup", id="echo 0", dpkg_query="exit 1",
                  apt_get="echo E: no such mirror; exit 100")
    expect(result.returncode == 1 and "no such mirror" in result.stdout, "apt's error must show", result)

    everything = 'shift 2; for p in "$@"; do echo "$p installed"; done'
    result = door(folder, "setup", id="echo 1000", dpkg_query=everything, apt_get="exit 1")
    expect(result.returncode == 0, "with all packages in place nobody is asked", result)

    # A machine without node: only what the script itself runs is on its PATH.
    bare = pathlib.Path(folder, "bare")
    bare.mkdir()
    for tool in ("bash", "dirname", "readlink", "mkdir", "tail"):
        (bare / tool).symlink_to(shutil.which(tool))
    result = door(folder, "setup", search=bare, id="echo 1000", dpkg_query='shift 2; for p in "$@"; do '
                  'case "$p" in nodejs | npm) ;; *) echo "$p installed" ;; esac; done', apt_get="exit 1")
    expect(result.returncode == 1 and re.search(r"--no-install-recommends nodejs npm$", result.stdout, re.M),
           "without node and npm as commands their packages are wanted", result)

with tempfile.TemporaryDirectory() as folder:
    for name, cmake in (("inside", "add_executable(example_inside main.cc)"), ("other", "add_executable(demo x.cc)")):
        pathlib.Path(folder, "examples", name).mkdir(parents=True)
        pathlib.Path(folder, "examples", name, "CMakeLists.txt").write_text(cmake + "\n")
    pathlib.Path(folder, "examples/plain.cc").touch()
    result = door(folder, "example")
    expect(result.stdout == "examples: plain inside\n", "a folder with a target of its name is an example", result)

for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
