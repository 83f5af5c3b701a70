# SPDX-License-Identifier: Apache-2.0
"""The checkout demo, small: its promise, its exit codes, its count by another hand, and that it leaves
nothing behind, however it ends."""

import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(os.environ["HF_SOURCE_DIR"])
DEMO = pathlib.Path(os.environ["HF_BINARY_DIR"], "examples/checkout/checkout_demo")
CONFIRMED = 1
PATIENCE = 100  # seconds, for one call of the demo


def demo(temp, *arguments):
    environment = dict(os.environ, TMPDIR=str(temp))
    return subprocess.run([DEMO, *map(str, arguments)], env=environment, text=True,
                          capture_output=True, timeout=PATIENCE)


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def expect_exit(run, code):
    expect(run.returncode == code, f"exit {run.returncode}, not {code}\n{run.stdout}\n{run.stderr}")


def plan_file(temp, plan):
    file = temp / "plan.json"
    file.write_text(plan if isinstance(plan, str) else json.dumps(plan))
    return file


def events(folder):
    """Every event of one run, as {process: [event]}."""
    return {file.stem: [json.loads(line) for line in file.read_text().splitlines()]
            for file in folder.glob("*.events")}


def first_faults(folder):
    """What struck the first request for each order at the order service."""
    return {event["order"]: event["event"].split("FAULT: ")[1] for event in events(folder)["order"]
            if event["fault"] and event["event"].startswith("request 1:")}


def recount(folder, orders):
    """The tally, from the files, without the demo's code."""
    charges, cents, states = {}, {}, {}
    with sqlite3.connect(f"file:{folder}/payments.db?mode=ro", uri=True) as ledger:
        for order, amount in ledger.execute("SELECT order_id, cents FROM payments"):
            charges.setdefault(order, []).append(amount)
    with sqlite3.connect(f"file:{folder}/orders.db?mode=ro", uri=True) as book:
        for order, due, state in book.execute("SELECT id, cents, state FROM orders"):
            cents[order], states[order] = due, state
    expect(set(charges) <= set(states), "a charge for an order nobody wrote down")
    return {
        "orders": orders,
        "confirmed": sum(state == CONFIRMED for state in states.values()),
        "charged_twice": sum(len(rows) > 1 for rows in charges.values()),
        "charged_but_lost": sum(states[order] != CONFIRMED for order in charges),
        "confirmed_not_charged": sum(
            state == CONFIRMED and order not in charges for order, state in states.items()),
        "overcharged_cents": sum(sum(rows) - cents[order] for order, rows in charges.items()),
    }


def test_holdfast_holds_where_plain_grpc_does_not(temp):
    result = temp / "result.json"
    run = demo(temp, "--orders", 300, "--json", result, "--keep")
    expect_exit(run, 0)
    told = json.loads(result.read_text())
    expect(told["exit_code"] == 0, "the JSON tells another exit code")
    bare, holdfast = told["runs"]["bare"], told["runs"]["holdfast"]
    expect(bare["charged_twice"] > 0, "plain gRPC charged nothing twice")
    for wrong in ("charged_twice", "charged_but_lost", "confirmed_not_charged", "unfinished"):
        expect(holdfast[wrong] == 0, f"holdfast: {wrong} = {holdfast[wrong]}")
    expect(holdfast["confirmed"] >= 297, "less than 99 % confirmed")
    expect(holdfast["payment_kills"] == 5 and holdfast["order_kills"] == 1, "the kills did not happen")
    expect(holdfast["replays"] > 0, "no duplicate was answered from a store")

    kept = pathlib.Path(re.search(r"databases and logs: (\S+)", run.stderr)[1])
    for name, tally in (("bare", bare), ("holdfast", holdfast)):
        for field, value in recount(kept / name, 300).items():
            expect(tally[field] == value, f"{name}: {field} is {value}, the demo says {tally[field]}")
    faults = first_faults(kept / "bare")
    expect(len(faults) > 3, "no faults at the order service")
    expect(faults == first_faults(kept / "holdfast"), "the two runs faced different faults")

    story = told["story"]
    lines = [event for log in events(kept / "holdfast").values() for event in log
             if event["correlation"] == story["correlation"]]
    expect({event["process"] for event in lines} == {"client", "order", "payment"},
           "the correlation id did not reach all three processes")
    expect({event["order"] for event in lines} == {story["order"]}, "two orders share one correlation id")
    expect(f"The story of order {story['order']}" in run.stdout, "no story")


def test_without_idempotency_it_turns_red(temp):
    result = temp / "result.json"
    run = demo(temp, "--orders", 200, "--without", "idempotency", "--json", result)
    expect_exit(run, 1)
    runs = json.loads(result.read_text())["runs"]
    expect(runs["without-idempotency"]["charged_twice"] > 0, "nothing charged twice")
    expect(runs["holdfast"]["charged_twice"] == 0, "holdfast itself charged twice")
    expect("BROKEN: without-idempotency" in run.stdout, "the verdict does not name the part")


def test_too_small_a_run_says_so(temp):
    run = demo(temp, "--orders", 30, "--faults", plan_file(temp, {}))
    expect_exit(run, 3)
    expect("TOO SMALL" in run.stdout, "it does not say that it was too small")


def test_bad_use_is_refused_by_name(temp):
    for arguments, words in [
        (["--orders", "0"], "--orders"), (["--orders", "-5"], "--orders"), (["--orders"], "--orders"),
        (["--seed", "x"], "--seed"), (["--without", "all"], "--without"), (["--bogus"], "--bogus"),
        (["extra"], "extra"), (["--faults", temp / "none.json"], "none.json"),
        (["--faults", temp], "cannot be read"), (["--json", temp / "none" / "x"], "--json"),
    ]:
        run = demo(temp, *arguments)
        expect_exit(run, 2)
        expect(words in run.stderr, f"{arguments}: says {run.stderr}")


def test_a_bad_fault_plan_is_refused_by_field(temp):
    for plan, words in [
        ("{", "not JSON"), ([], "must be an object"), ({"paymet": {}}, "paymet"),
        ({"payment": {"slw": 0.1}}, "payment.slw"), ({"payment": {"slow": 1.5}}, "payment.slow"),
        ({"payment": {"slow": -0.1}}, "payment.slow"), ({"payment": {"slow": "often"}}, "payment.slow"),
        ({"payment": {"kills": -1}}, "payment.kills"), ({"order": {"kills": 101}}, "order.kills"),
        ({"payment": {"slow_ms": 1e30}}, "payment.slow_ms"),
        ({"payment": {"burst": {"every": 0}}}, "payment.burst.every"),
        ({"payment": {"slow": 0.6, "refuse": 0.6}}, "together more than 1"),
        ({"client": {"send_twice": 2}}, "client.send_twice"), ({"calm_after": 1000}, "calm_after"),
    ]:
        run = demo(temp, "--orders", 1, "--faults", plan_file(temp, plan))
        expect_exit(run, 2)
        expect(words in run.stderr, f"{plan}: says {run.stderr}")


def children_of(folder):
    """Processes that work for a run in `folder`."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if b"--folder=" + str(folder).encode() in command:
            found.append(int(entry.name))
    return found


def wait_for(condition, what):
    until = time.monotonic() + 20
    while not condition():
        expect(time.monotonic() < until, what)
        time.sleep(0.02)


def end_by(temp, how):
    """Starts a long run, ends it by a signal once its processes are there; the exit code."""
    environment = dict(os.environ, TMPDIR=str(temp))
    process = subprocess.Popen([DEMO, "--orders", "100000"], env=environment, text=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: len(children_of(temp)) == 3, "three processes did not start")
        process.send_signal(how)
        process.wait(PATIENCE)
    finally:
        process.kill()
    wait_for(lambda: not children_of(temp), f"processes outlive the supervisor, ended by {how}")
    return process.returncode


def test_an_interrupt_leaves_nothing_behind(temp):
    for how in (signal.SIGINT, signal.SIGTERM):
        expect(end_by(temp, how) == 130, f"{how}: not exit 130")
        expect(not list(temp.glob("checkout.*")), f"{how}: a folder was left behind")


def test_a_killed_supervisor_takes_its_children_along(temp):
    end_by(temp, signal.SIGKILL)


def main():
    if not DEMO.exists():
        print(f"{DEMO.name} is not built: the sqlite or grpc adapter is off")
        sys.exit(77)
    expect((SOURCE / "examples/checkout/faults/harsh.json").exists(), "the harsh plan is missing")
    failed = 0
    for name, test in [(name, value) for name, value in globals().items() if name.startswith("test_")]:
        start = time.monotonic()
        try:
            with tempfile.TemporaryDirectory() as folder:
                test(pathlib.Path(folder))
            print(f"ok    {name} ({time.monotonic() - start:.1f} s)")
        except (AssertionError, subprocess.TimeoutExpired) as problem:
            failed += 1
            print(f"FAIL  {name}: {problem}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
