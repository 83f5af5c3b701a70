#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Refreshes what the ABI is held against, all of it together: the ledger (new functions, at the version of
# their node), the layout table and the baseline of types. Review the diff: it is the change of the ABI.
#   HF_LIBRARY=build/dev/src/libholdfast.so.0 tests/abi/update_baseline.sh
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
: "${HF_LIBRARY:?the shared object to take the types from, built with -g}"
HF_LIBRARY="$(cd "$OLDPWD" && readlink -f "$HF_LIBRARY")"
export HF_LIBRARY
python3 - <<'PYTHON'
import elf

known = elf.ledger()
added = {name: node.removeprefix("HOLDFAST_")
         for node, names in elf.map_nodes().items() for name in names if name not in known}
text = elf.LEDGER.read_text()
heading = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
rows = known | {name: (version, "-", "-") for name, version in added.items()}
elf.LEDGER.write_text(heading + "".join(
    f"{name:<28} {row[0]:<12} {row[1]:<12} {row[2]}\n" for name, row in sorted(rows.items())))
print(f"ledger: {len(added)} added")
PYTHON
python3 layout.py
python3 gate.py
git diff --stat -- . ../../docs/abi
