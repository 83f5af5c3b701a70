# SPDX-License-Identifier: Apache-2.0
"""examples/platform_interceptors runs by itself and holds what it says; and the services it wraps do not
know of holdfast."""

import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(os.environ["HF_SOURCE_DIR"], "examples/platform_interceptors")
PROGRAM = pathlib.Path(os.environ["HF_BINARY_DIR"], "examples/example_platform_interceptors")

complaints = []
for name in ("services.h", "payment.proto", "catalogue.proto", "tracking.proto"):
    code = [line for line in (SOURCE / name).read_text().splitlines()
            if not line.lstrip().startswith(("//", "#ifndef HOLDFAST_", "#define HOLDFAST_", "#endif"))]
    if any("holdfast" in line for line in code):
        complaints.append(f"{name} knows holdfast")
if not PROGRAM.exists():
    print(f"{PROGRAM} is not built here")
    sys.exit(77)
run = subprocess.run([PROGRAM], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                     stderr=subprocess.STDOUT, text=True, timeout=120)
print(run.stdout)
if run.returncode != 0 or "all held" not in run.stdout or "BROKEN" in run.stdout:
    complaints.append(f"it ended with {run.returncode}, and something did not hold")
if "shop.Payment" not in run.stdout or "drained" not in run.stdout:
    complaints.append("the table is missing")
for complaint in complaints:
    print(complaint)
sys.exit(1 if complaints else 0)
