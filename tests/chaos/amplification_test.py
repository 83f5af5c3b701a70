# SPDX-License-Identifier: Apache-2.0
"""Layers of retries add, they do not multiply: a chain of real gRPC processes, each of which retries what
it calls, over a dependency that is down, or fails one call in ten.

HF_AMPLIFICATION_CALLS sets how many calls each cell makes."""

import os
import pathlib
import subprocess
import unittest

RELAY = pathlib.Path(os.environ["HF_BINARY_DIR"], "tests/chaos/chaos_relay")
CALLS = int(os.environ.get("HF_AMPLIFICATION_CALLS", "3000"))
LAYERS = 3
OUTAGE, ONE_IN_TEN = 1000, 100


class Chain:
    """front -> middle -> back, which retry, -> the dependency. Stopped by pid, whatever happens."""

    def __init__(self, dependency_fails, layers_fail=0, mode="guarded", attempts=3, extra=()):
        self.processes = []
        try:
            port = self.serve("0", dependency_fails, mode, attempts, 1, extra)
            for layer in range(LAYERS):
                fails = layers_fail if layer < LAYERS - 1 else 0  # nobody retries for the front
                port = self.serve(port, fails, mode, attempts, layer + 2, extra)
            self.port = port
        except BaseException:
            self.stop()
            raise

    def serve(self, peer, fails, mode, attempts, seed, extra):
        command = [RELAY, "serve", "--peer", peer, "--mode", mode, "--attempts", attempts,
                   "--fail", fails, "--seed", seed * 7919, *extra]
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError(f"no port from {command}")
        return port

    def stop(self):
        """How many calls each received, the dependency first."""
        counts = []
        for process in reversed(self.processes):
            process.terminate()
            out, _ = process.communicate(timeout=30)
            counts.append(int(out.split()[-1]) if out.split() else 0)
        return counts[::-1]

    def run(self, calls):
        """(answered, received by the dependency per call)"""
        try:
            done = subprocess.run([RELAY, "load", "--peer", self.port, "--calls", str(calls),
                                   "--threads", "4"], stdout=subprocess.PIPE, text=True, timeout=120,
                                  check=True)
        finally:
            counts = self.stop()
        return int(done.stdout), counts[0] / calls


class Amplification(unittest.TestCase):
    def report(self, what, answered, calls, factor):
        print(f"{what:<58} {100 * answered / calls:8.3f} % answered, {factor:6.3f} attempts a call",
              flush=True)

    def play(self, what, calls=CALLS, **chain):
        answered, factor = Chain(**chain).run(calls)
        self.report(what, answered, calls, factor)
        return answered / calls, factor

    def test_naive_layers_multiply(self):
        _, factor = self.play("naive loops, outage", calls=50, dependency_fails=OUTAGE, mode="naive")
        self.assertEqual(factor, 27)

    def test_in_a_full_outage_three_layers_stay_below_a_third_more(self):
        answered, factor = self.play("guarded, outage", dependency_fails=OUTAGE)
        self.assertEqual(answered, 0)
        self.assertLess(factor, 1.3)

    def test_the_same_layers_repair_one_failure_in_ten(self):
        answered, factor = self.play("guarded, one in ten fails", dependency_fails=ONE_IN_TEN)
        self.assertGreaterEqual(answered, 0.999)
        self.assertLess(factor, 1.3)

    def test_four_attempts_repair_one_failure_in_ten_at_every_hop(self):
        answered, factor = self.play("guarded, one in ten fails at every hop, 4 attempts",
                                     dependency_fails=ONE_IN_TEN, layers_fail=ONE_IN_TEN, attempts=4)
        self.assertGreaterEqual(answered, 0.999)
        _, factor = self.play("guarded, outage, 4 attempts", dependency_fails=OUTAGE, attempts=4)
        self.assertLess(factor, 1.3)

    def test_without_any_budget_layers_still_add(self):
        """1 + tree_retries at most: the allowance alone bounds what one call can become."""
        _, factor = self.play("guarded without budgets, outage", calls=200, dependency_fails=OUTAGE,
                              extra=("--no-budget",))
        self.assertLessEqual(factor, 7)


if __name__ == "__main__":
    unittest.main()
