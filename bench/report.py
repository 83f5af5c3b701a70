#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the benchmarks in rounds, and prints each figure beside the floors of the same round.

A round runs the floors, then every program in its static and its shared build, so that a machine that
slows down slows everything alike. A figure is the median over the rounds; a ratio is taken within each
round and then its median, and that is what the gates of gates.json are judged by.
"""
import argparse
import json
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
# What a disk, a server or waiting takes drowns the price of the boundary: built and run once (CMakeLists.txt).
STATIC_ONLY = ("sqlite_", "redis_", "postgres_", "waiters_")
STANDARD = {"family_index", "per_family_instance_index", "repetitions", "repetition_index", "threads",
            "iterations", "real_time", "cpu_time", "items_per_second", "bytes_per_second"}
MUTEX = "floor/mutex_pair"
CLOCK = "floor/clock"


def programs(build):
    """[(linkage, path)], the floors first; the shared build of the floors is the same code again."""
    stems = sorted(p.stem for p in HERE.glob("*_bench.cc"))
    stems.sort(key=lambda stem: stem != "floors_bench")
    found = []
    for stem in stems:
        for linkage, suffix in (("static", ""), ("shared", "_so")):
            if linkage == "shared" and (stem == "floors_bench" or stem.startswith(STATIC_ONLY)):
                continue
            path = build / "bench" / (stem + suffix)
            if not path.exists():
                sys.exit(f"bench: {path} is not built (./dev bench builds it)")
            found.append((linkage, path))
    return found


def spoken(name):
    """The library's name without what says how it was measured: "x/real_time/threads:2" is "x 2T"."""
    name = re.sub(r"/(real_time|manual_time|iterations:\d+|threads:1)\b(?=/|$)", "", name)
    return re.sub(r"/threads:(\d+)$", r" \1T", name)


def run(path, min_time, repetitions, name_filter):
    """What the program measured: {name: nanoseconds}, {name and counter: value}."""
    command = [str(path), "--benchmark_format=json", f"--benchmark_min_time={min_time}",
               f"--benchmark_repetitions={repetitions}", "--benchmark_report_aggregates_only=true"]
    if name_filter and "floors_bench" not in path.name:
        command.append(f"--benchmark_filter={name_filter}")
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: {path.name} failed with {done.returncode}\n{done.stderr}")
    if not done.stdout.strip():  # the filter matched nothing here
        return {}, {}
    scale = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
    figures, counters = {}, {}
    for row in json.loads(done.stdout)["benchmarks"]:
        if row.get("error_occurred"):
            sys.exit(f"bench: {row['name']}: {row['error_message']}")
        if row.get("aggregate_name", "median") != "median":  # of one repetition there is no aggregate
            continue
        # One thread: processor time, which a busy machine disturbs less. Several: wall time, which has
        # the waiting in it; the library divides it by the operations of all threads, and people
        # compare what one operation takes its own thread. What waits for a disk is labelled "wall",
        # and is a throughput: wall time over the operations of all threads.
        threads = row.get("threads", 1)
        if row.get("label") == "wall":
            time_of = row["real_time"]
        else:
            time_of = row["cpu_time"] if threads == 1 else row["real_time"] * threads
        name = spoken(row["run_name"])
        figures[name] = time_of * scale[row["time_unit"]]
        counters.update({f"{name} {counter}": value for counter, value in row.items()
                         if isinstance(value, (int, float)) and counter not in STANDARD})
    return figures, counters


def progress(text):
    """One line that rewrites itself for people, nothing for logs."""
    if sys.stderr.isatty():
        print(f"\r{text:<60}" if text else "\r" + " " * 60 + "\r", end="", file=sys.stderr)


def measure(build, rounds, min_time, repetitions, name_filter):
    """The figures and the counters of each round; counters are of the static build."""
    results, counts = [], []
    for number in range(rounds):
        figures, counters = {}, {}
        for linkage, path in programs(build):
            progress(f"round {number + 1}/{rounds}  {path.name}")
            times, extras = run(path, min_time, repetitions, name_filter)
            for name, ns in times.items():
                figures[name if name.startswith("floor/") else f"{linkage}:{name}"] = ns
            if linkage == "static":
                counters.update(extras)
        results.append(figures)
        counts.append(counters)
    progress("")
    return results, counts


def median(results, of):
    values = [of(figures) for figures in results]
    return statistics.median(values)


def judge(results, gates):
    """Each gate with its figure and limit, medians over rounds, and whether it holds."""
    verdicts = []
    for gate in gates:
        needed = [gate["figure"], *([gate["minus"]] if "minus" in gate else [])]
        if any(name not in results[0] for name in needed):
            continue

        def figure(row):
            return (row[gate["figure"]] - row.get(gate.get("minus"), 0)) / gate.get("crossings", 1)

        def limit(row):
            return sum(n * (1 if floor == "ns" else row[floor]) for floor, n in gate["limit"].items())

        ratio = median(results, lambda row: figure(row) / limit(row))
        verdicts.append({"name": gate["name"], "ns": median(results, figure),
                         "limit_ns": median(results, limit), "ratio": ratio, "holds": ratio <= 1})
    return verdicts


def shown(ns):
    for unit, size in (("ms", 1e6), ("us", 1e4)):
        if abs(ns) >= size:
            return f"{ns / {'ms': 1e6, 'us': 1e3}[unit]:.1f} {unit}"
    return f"{ns:.1f}"


def table(results):
    names = sorted({n.split(":", 1)[1] for row in results for n in row if not n.startswith("floor/")})
    floors = [n for n in results[0] if n.startswith("floor/")]
    print(f"{'floor':<52}{'ns':>10}")
    for name in floors:
        print(f"{name:<52}{median(results, lambda row: row[name]):>10.1f}")
    print(f"\n{'figure':<52}{'static':>10}{'.so':>10}{'x mutex':>9}{'x clock':>9}{'.so-static':>12}")
    for name in names:
        static, shared = f"static:{name}", f"shared:{name}"
        if static not in results[0]:
            continue
        a = median(results, lambda row: row[static])
        b = median(results, lambda row: row[shared]) if shared in results[0] else None
        print(f"{name:<52}{shown(a):>10}{'' if b is None else shown(b):>10}", end="")
        if a >= 1e4 or b is None:  # a ratio to a clock read says nothing about a disk
            print()
            continue
        print(f"{median(results, lambda row: row[static] / row[MUTEX]):>9.2f}"
              f"{median(results, lambda row: row[static] / row[CLOCK]):>9.2f}"
              f"{median(results, lambda row: row[shared] - row[static]):>+12.1f}")


def tell_counters(counts):
    if not counts[0]:
        return
    print(f"\n{'counter':<72}{'value':>12}")
    for name in sorted(counts[0]):
        print(f"{name:<72}{median(counts, lambda row: row[name]):>12.4g}")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--smoke", action="store_true",
                        help="one short round: shows that everything runs, proves no figure")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--filter", default="", help="only benchmarks whose name matches this regex")
    parser.add_argument("--json", type=pathlib.Path, help="where to write (default: beside the build)")
    parser.add_argument("--gate", action="store_true", help="exit 1 if a gate of bench/gates.json is missed")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds must be at least 1")

    # Three times in a row and the middle one: the first finds the processor still waking up.
    rounds, min_time, repetitions = (1, 0.005, 1) if args.smoke else (args.rounds, 0.1, 3)
    results, counts = measure(args.build, rounds, min_time, repetitions, args.filter)
    table(results)
    tell_counters(counts)
    verdicts = judge(results, json.loads((HERE / "gates.json").read_text()))
    print("\ngates (median ratio of figure to limit over the rounds)")
    for verdict in verdicts:
        mark = "holds " if verdict["holds"] else "MISSED"
        print(f"  {mark} {verdict['ratio']:5.2f}  {verdict['ns']:8.1f} of {verdict['limit_ns']:.1f} ns  "
              f"{verdict['name']}")
    if args.smoke:
        print("  (a smoke run: one short round, no figure to quote)")

    out = args.json or args.build / "bench.json"
    out.write_text(json.dumps({
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"arch": platform.machine(), "system": platform.system(), "release": platform.release()},
        "smoke": args.smoke, "rounds": results, "counters": counts, "gates": verdicts}, indent=1) + "\n")
    print(f"\nwritten: {out}")
    if args.gate and not all(verdict["holds"] for verdict in verdicts):
        sys.exit(1)


if __name__ == "__main__":
    main()
