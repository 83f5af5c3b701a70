# SPDX-License-Identifier: Apache-2.0
"""examples/contracts says what its page in docs says it does."""

import os
import pathlib
import subprocess
import sys

PROGRAM = pathlib.Path(os.environ["HF_BINARY_DIR"], "examples/example_contracts")
EXPECTED = (
    "com.shop.order.placed 1.0  deprecated",
    "an order of 1.0 in May: published",
    "contract_sunset: contract com.shop.order.placed 1.0: is past its sunset of 2026-09-01T00:00:00Z",
    "contract_version: contract com.shop.order.placed: has no version \"1.7\"; the current one is 2.0",
    "contract_payload: ",
    "contract_unregistered: ",
    "minor_units: 4990 currency: \"EUR\"",
    "lost: 0; stored bytes: as they were",
    "lost on the way: 2.0 -> 1.1: channel: gone",
    "lost on the way: 1.1 -> 1.0: voucher: unknown",
    "500 random orders of 1.0, up to 2.0 and down again: all as they were",
    "deprecation: @1767225600",
    "sunset: Tue, 01 Sep 2026 00:00:00 GMT",
    "deprecationsunset: 2026-09-01T00:00:00Z",
    "billing, 3 times",
)

if not PROGRAM.exists():
    print(f"{PROGRAM} is not built here")
    sys.exit(77)
run = subprocess.run([PROGRAM], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                     stderr=subprocess.STDOUT, text=True, timeout=60)
print(run.stdout)
missing = [line for line in EXPECTED if line not in run.stdout]
for line in missing:
    print(f"missing: {line}")
sys.exit(1 if missing or run.returncode else 0)
