# SPDX-License-Identifier: Apache-2.0
"""What happens to a key when the process that owns it dies, is frozen past its lease, or meets others: each
case with real processes, on each store that outlives them.

A process stops or kills itself at a named point (HF_STOP_AT, HF_CRASH_AT: crash_point.h), so nothing here waits
for luck. HF_CHAOS_RESTARTS: how often each point of the crash sweep is tried; default 3."""

import concurrent.futures
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time

CHAOS = pathlib.Path(os.environ["HF_BINARY_DIR"], "tests/chaos/store_chaos")
RESTARTS = int(os.environ.get("HF_CHAOS_RESTARTS", "3"))
PATIENCE = 60
POLICIES = ["in_doubt", "takeover", "reconcile"]
POINTS = ["before_claim", "after_claim", "after_effect", "inside_complete", "after_complete"]
LEASE = 400  # ms, of an owner that is to lose it: long enough to win it on a slow machine
LONG = 20000  # ms, of everyone else
MOVED_CLOCK = CHAOS.parent / "libmoved_clock.so"


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


class Stage:
    """A store with its servers, and a world in which work has effects."""

    def __init__(self, store, folder):
        self.store, self.folder = store, folder
        self.clock = folder / "clock"
        self.clock.write_bytes(bytes(8))
        (folder / "effects").mkdir()
        (folder / "store").mkdir()
        self.server = subprocess.Popen(
            [CHAOS, "--role=serve", f"--store={store}", f"--folder={folder}/store"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, **(self.moved_clock(self.clock) if store in SERVERS else {})))
        self.address = self.server.stdout.readline().strip()
        expect(self.address, f"{store} does not start")
        self.started = []

    def moved_clock(self, file):
        return {"LD_PRELOAD": str(MOVED_CLOCK), "HF_CLOCK_FILE": str(file)}

    def set_clock(self, seconds):
        """Of the server, beside the true time. Written over, as it is mapped."""
        with open(self.clock, "r+b") as file:
            file.write(struct.pack("=q", seconds))

    def close(self):
        for process in self.started:
            if process.poll() is None:  # stopped, where its test failed
                process.kill()
                process.communicate()
        self.server.stdin.close()
        self.server.wait(PATIENCE)

    def start(self, role, key, environment=None, **options):
        flags = [f"--{name}={value}" for name, value in options.items()]
        process = subprocess.Popen(
            [CHAOS, f"--role={role}", f"--address={self.address}", f"--folder={self.folder}",
             f"--key={key}", *flags], stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, **(environment or {})))
        self.started.append(process)
        return process

    def one(self, key, **options):
        options.setdefault("lease_ms", LONG)
        return end_of(self.start("one", key, **options))

    def ask(self, key):
        return end_of(self.start("ask", key))

    def crash(self, key, point, **options):
        options.setdefault("lease_ms", LEASE)
        process = self.start("one", key, {"HF_CRASH_AT": point}, **options)
        process.communicate(timeout=PATIENCE)
        expect(process.returncode == -signal.SIGKILL, f"{point}: {process.returncode}, not killed")

    def freeze(self, key, point, environment=None, **options):
        """A process that has stopped itself at the point."""
        options.setdefault("lease_ms", LEASE)
        process = self.start("one", key, {**(environment or {}), "HF_STOP_AT": point}, **options)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        expect(os.WIFSTOPPED(status), f"{point}: it did not stop")
        return process

    def effects(self, key):
        """From the file, without the library's code: records of a token and a kind, 1 an effect."""
        file = self.folder / "effects" / key
        if not file.exists():
            return 0
        return sum(kind == 1 for _, kind in struct.iter_unpack("<QQ", file.read_bytes()))

    def lapse(self, key):
        """Until the key's lease is over, by the store's own word."""
        until = time.monotonic() + PATIENCE
        while self.ask(key)["status"] == "BUSY":
            expect(time.monotonic() < until, f"{key}: busy for ever")


SERVERS = ["redis", "cluster", "postgres"]


def end_of(process):
    out, _ = process.communicate(timeout=PATIENCE)
    expect(process.returncode == 0, f"ended with {process.returncode}")
    return json.loads(out)


def thaw(process):
    os.kill(process.pid, signal.SIGCONT)
    return end_of(process)


# What the next one finds, by policy, where the dead one had claimed and not completed: did it run, and how
# many effects are there in the end.
def check_next(stage, policy, point, key):
    next_one = stage.one(key, policy=policy, max_wait_ms=5000)
    effects = stage.effects(key)
    what = f"{stage.store}, {policy}, {point}: {next_one}, {effects} effects"
    body = f"done, {key}"
    if point == "before_claim":
        return expect(next_one["ran"] and next_one["attempt"] == 1 and effects == 1, what)
    if point == "after_complete" or (point == "inside_complete" and next_one["replayed"]):
        return expect(next_one["replayed"] and next_one["body"] == body and effects == 1, what)
    happened = 0 if point == "after_claim" else 1
    if policy == "in_doubt":
        return expect(next_one["reason"] == "idem_in_doubt" and not next_one["ran"]
                      and effects == happened, what)
    expect(next_one["code"] == "OK" and next_one["body"] == body and next_one["attempt"] == 2, what)
    if policy == "takeover":
        return expect(next_one["ran"] and effects == happened + 1, what)
    expect(next_one["asked"] and next_one["ran"] == (happened == 0) and effects == 1, what)


def test_01_02_03_crash_sweep_under_each_policy(stage):
    def sweep(case):
        policy, point, turn = case
        key = f"crash-{policy}-{point}-{turn}"
        stage.crash(key, point, policy=policy)
        check_next(stage, policy, point, key)

    cases = [(policy, point, turn) for turn in range(RESTARTS) for policy in POLICIES
             for point in POINTS]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(sweep, cases))


def test_04_zombie_completion_is_fenced_and_not_stored(stage):
    zombie = stage.freeze("zombie", "after_effect", policy="takeover")
    stage.lapse("zombie")
    successor = stage.one("zombie", policy="takeover")
    expect(successor["ran"] and successor["attempt"] == 2, successor)
    late = thaw(zombie)
    expect(late["reason"] == "idem_fenced" and late["token"] < successor["token"], late)
    expect(stage.ask("zombie")["token"] == successor["token"], "the zombie's result was stored")


def test_05_zombie_failure_leaves_its_successor_alone(stage):
    for deed in ("ambiguous", "retryable", "not_started"):
        key = f"fails-{deed}"
        zombie = stage.freeze(key, "after_effect", policy="takeover", deed=deed)
        stage.lapse(key)
        holder = stage.freeze(key, "after_claim", policy="takeover", lease_ms=30000)
        late = thaw(zombie)
        # Of work that had not begun there is nothing to lose: its owner hears its own error.
        expect(late["reason"] == ("none" if deed == "not_started" else "idem_fenced"), f"{deed}: {late}")
        expect(stage.ask(key)["status"] == "BUSY", f"{deed}: the successor lost the key")
        expect(thaw(holder)["code"] == "OK", f"{deed}: the successor could not complete")


def test_06_zombie_in_a_transaction_leaves_no_row(stage):
    if stage.store not in ("sqlite", "postgres"):
        return "no transaction to be in"
    zombie = stage.freeze("joined", "after_claim", deed="joined")
    stage.lapse("joined")
    successor = stage.one("joined", deed="joined")
    expect(successor["complete"] == "OK" and successor["rows"] == 1, successor)
    late = thaw(zombie)
    expect(late["complete"] == "FENCED" and late["rows"] == 1, late)


def test_07_work_sees_the_end_of_its_lease_on_its_own_clock(stage):
    late = stage.one("overtime", deed="overtime", lease_ms=LEASE)
    expect(late["overtime"], late)
    expect(stage.ask("overtime")["status"] == "ABSENT", "nothing had been done, and the key is taken")


def test_16_a_claim_that_froze_past_its_lease_does_not_run(stage):
    zombie = stage.freeze("froze", "after_claim", policy="takeover")
    stage.lapse("froze")
    successor = stage.one("froze", policy="takeover")
    expect(successor["ran"], successor)
    late = thaw(zombie)
    expect(not late["ran"] and stage.effects("froze") == 1, f"{late}, {stage.effects('froze')} effects")


def test_10_11_herd_whose_holder_dies_runs_once_and_all_get_its_result(stage):
    stage.crash("herd", "after_claim", policy="takeover")
    herd = stage.one("herd", policy="takeover", lease_ms=10000, max_wait_ms=20000, herd=300)
    expect(herd["ran"] == 1 and herd["codes"] == {"OK": 300}, herd)
    expect(herd["bodies"] == ["done, herd"] and stage.effects("herd") == 1, herd)


def test_39_after_its_time_a_result_is_forgotten_and_the_token_is_not(stage):
    first = stage.one("short", ttl_ms=LEASE, lease_ms=LEASE)
    until = time.monotonic() + PATIENCE
    while stage.ask("short")["status"] != "ABSENT":
        expect(time.monotonic() < until, "never forgotten")
    again = stage.one("short")
    expect(again["ran"] and again["attempt"] == 1 and again["token"] > first["token"], again)


def has_no_clock_of_its_own(stage):
    return None if stage.store in SERVERS else "its clock is the machine's"


def test_13_clock_of_a_worker_does_not_matter(stage):
    if why := has_no_clock_of_its_own(stage):
        return why
    for hours, key in ((1, "ahead"), (-1, "behind")):
        clock = stage.folder / key
        clock.write_bytes(struct.pack("=q", 3600 * hours))
        fake = stage.moved_clock(clock)
        holder = stage.freeze(key, "after_claim", fake, policy="takeover", lease_ms=30000)
        busy = stage.ask(key)
        expect(busy["status"] == "BUSY" and 20000 < busy["retry_after_ms"] <= 30000, f"{key}: {busy}")
        other = end_of(stage.start("one", key, fake, policy="takeover", lease_ms=LONG))
        expect(other["reason"] == "idem_busy", f"{key}: {other}")
        expect(thaw(holder)["code"] == "OK", f"{key}: the holder could not complete")
        expect(stage.one(key, policy="takeover")["replayed"], f"{key}: not replayed")


def test_14_server_clock_that_jumps_ahead_costs_the_lease_and_nothing_else(stage):
    if why := has_no_clock_of_its_own(stage):
        return why
    holder = stage.freeze("jump", "after_effect", policy="takeover", lease_ms=60000)
    stage.set_clock(3600)
    successor = stage.one("jump", policy="takeover")
    expect(successor["ran"] and successor["attempt"] == 2, successor)
    late = thaw(holder)
    expect(late["reason"] == "idem_fenced" and late["token"] < successor["token"], late)


def test_15_server_clock_that_steps_back_lengthens_leases_and_tokens_still_rise(stage):
    if why := has_no_clock_of_its_own(stage):
        return why
    holder = stage.freeze("back", "after_claim", policy="takeover", lease_ms=20000)
    first = stage.one("rises", deed="not_started")
    stage.set_clock(-3600)
    busy = stage.ask("back")
    expect(busy["status"] == "BUSY" and busy["retry_after_ms"] >= 20000, busy)
    tokens = [first["token"]] + [stage.one("rises", deed="not_started")["token"] for _ in range(3)]
    expect(tokens == sorted(set(tokens)), f"tokens do not rise: {tokens}")
    expect(thaw(holder)["code"] == "OK", "the holder could not complete")


def play(store, tests):
    """How many failed."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # PostgreSQL runs as somebody else
        stage = Stage(store, pathlib.Path(folder))
        for name, test in tests:
            start = time.monotonic()
            try:
                why = test(stage)
                word = f"none  {store} {name}: {why}" if why else f"ok    {store} {name}"
                print(f"{word} ({time.monotonic() - start:.1f} s)", flush=True)
            except (AssertionError, subprocess.TimeoutExpired) as problem:
                failed += 1
                print(f"FAIL  {store} {name}: {problem}", flush=True)
        stage.close()
    return failed


def main():
    if not CHAOS.exists():
        print(f"{CHAOS.name} is not built")
        sys.exit(77)
    built = subprocess.run([CHAOS, "--role=stores"], stdout=subprocess.PIPE, text=True, check=True).stdout
    stores = sys.argv[1:] or [store for store in built.split() if store in ["sqlite", *SERVERS]]
    tests = [(name, value) for name, value in globals().items() if name.startswith("test_")]
    failed = 0
    for store in stores:
        # Those that move the server's clock have one of their own; keys keep the others apart.
        for group in (tests[:-2], tests[-2:-1], tests[-1:]):
            failed += play(store, group)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
