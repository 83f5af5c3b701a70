# SPDX-License-Identifier: Apache-2.0
"""Peers from npm: the packages of a committed package-lock.json, installed into the build folder."""

import os
import shutil
import subprocess
import sys


def cannot(why):
    """In the CI, what cannot run is a failure."""
    print(f"{'failed' if os.environ.get('CI') == 'true' else 'skipped'}: {why}")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)


def install(here, folder, *scripts, tools=("node", "npm")):
    """What `here`/package-lock.json names into `folder`, once, and the scripts beside it, each time."""
    for tool in tools:
        if not shutil.which(tool):
            cannot(f"there is no {tool}; ./dev setup installs it")
    lock = (here / "package-lock.json").read_text()
    stamp = folder / "installed"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", *scripts):
        shutil.copy(here / name, folder)
    if stamp.exists() and stamp.read_text() == lock:
        return
    done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--prefer-offline"], cwd=folder, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        cannot(f"npm ci: {done.stdout}")
    stamp.write_text(lock)
