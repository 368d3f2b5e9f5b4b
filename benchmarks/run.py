"""Runs each contender on each workload in a process of its own, in turns, and writes medians as
Markdown and JSON.

    python -m benchmarks [--quick] [--only WORD] [--rounds 3] [--output build/benchmarks]

Turns: round 1 of all contenders, then round 2, ... so that a busy minute of the machine falls on
all of them. No compilation cache. Measured in each process: the time from the built data to the
first step's result (imports and compilation in it), the time a step after one untimed epoch, and
the peak resident memory of the process, in all and above that after the imports. Measured from
outside: the seconds from its start to its exit. A second table is about imports and the building of
models (`start.py`).
"""

import argparse
import compileall
import datetime
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import time

from benchmarks import depth, devices, files, folds, layers, on_batch, start, streams
from benchmarks.tables import table

ROOT = pathlib.Path(__file__).parent.parent

# What has a table of its own.
_ORDER = (start, depth, folds, on_batch, streams, layers, devices, files)
PARTS = {part.NAME: part for part in _ORDER}
BASE = "JAX + Optax loop"


def measure(workload, contender, quick) -> dict:
    """One process's work: seconds to the first step, seconds a step, peak MiB in all and above the
    imports.
    """
    from benchmarks.contenders import CONTENDERS

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
            2**20 if sys.platform == "darwin" else 2**10
        )

    x, y = workload.data(workload.quick_rows if quick else workload.rows)
    begin = time.perf_counter()
    try:
        first, again = CONTENDERS[contender](workload, x, y)
    except NotImplementedError as error:
        return {"skipped": str(error)}
    imported = peak()
    first()
    to_first = time.perf_counter() - begin
    n = workload.quick_epochs if quick else workload.epochs
    again(1)  # compiles what is left: the last batch, the validation
    begin = time.perf_counter()
    again(n)
    took = time.perf_counter() - begin
    rows = len(x) * 4 // 5 if workload.validate else len(x)
    steps = n * -(-rows // workload.batch_size)
    return {
        "first": to_first,
        "step": took / steps,
        "steps": steps,
        "peak": peak(),
        "above": peak() - imported,
    }


def in_process(name, contender, quick) -> dict:
    """`measure` in a process of its own, and that process's seconds."""
    code = ["-m", "benchmarks", "--one", name, contender, *(["--quick"] if quick else [])]
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *code], capture_output=True, text=True, env=environment(), timeout=1800
    )
    whole = time.perf_counter() - begin
    if done.returncode:
        said = [
            line
            for line in done.stderr.splitlines()
            if line.strip("- ") and not line.startswith("For simplicity, JAX")
        ]
        return {"skipped": f"failed: {said[-1] if said else '?'}"}
    return {**json.loads(done.stdout.splitlines()[-1]), "whole": whole}


def environment() -> dict:
    """This process's environment for the measured ones: this repository, no compilation cache."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("JAX_COMPILATION_CACHE")}
    return {
        **kept,
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": os.pathsep.join([str(ROOT), kept.get("PYTHONPATH", "")]),
    }


def medians(results) -> dict:
    good = [r for r in results if "skipped" not in r]
    if not good:
        return results[0]
    return {
        key: statistics.median(r[key] for r in good)
        for key in ("first", "step", "whole", "peak", "above")
        if key in good[0]
    } | {
        "rounds": len(good),
        "steps": good[0]["steps"],
        "fastest": min(r["step"] for r in good),
        "slowest": max(r["step"] for r in good),
    }


STEPS = (
    "workload",
    "contender",
    "step, ms",
    "fastest-slowest",
    "to the loop",
    "first step, s",
    "whole process, s",
    "peak, MiB",
    "above imports, MiB",
)


def markdown(report) -> str:
    """The report as a heading line and tables."""
    machine = report["machine"]
    heading = (
        f"{report['date']}, {machine['cpus']} CPU cores ({machine['processor']}), Python "
        f"{machine['python']}, "
        + ", ".join(f"{k} {v}" for k, v in machine["versions"].items())
        + f", {report['rounds']} rounds"
        + (", --quick" if report["quick"] else "")
        + "."
    )
    rows = []
    for workload, contenders in report["results"].items():
        base = contenders.get(BASE, {}).get("step")
        for contender, row in contenders.items():
            if "skipped" in row:
                rows.append((workload, contender, row["skipped"]))
                continue
            rows.append(
                (
                    workload,
                    contender,
                    f"{row['step'] * 1e3:.3f}",
                    f"{row['fastest'] * 1e3:.3f}-{row['slowest'] * 1e3:.3f}",
                    f"{row['step'] / base:.2f}" if base else "",
                    f"{row['first']:.1f}",
                    f"{row['whole']:.1f}",
                    f"{row['peak']:.0f}",
                    f"{row['above']:.0f}",
                )
            )
    tables = [table(STEPS, rows, words=2)] if rows else []
    tables += [part.markdown(report[name]) for name, part in PARTS.items() if name in report]
    return "\n\n".join([heading, *tables])


def machine() -> dict:
    versions = {}
    for name in ("jax", "flax", "optax", "keras"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "cpus": os.cpu_count(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "versions": versions,
    }


def main() -> None:
    from benchmarks.contenders import NEEDED
    from benchmarks.workloads import WORKLOADS

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer rows and epochs, one round: a few minutes in all",
    )
    parser.add_argument(
        "--only",
        default="",
        help=f"workloads with this word in their names, or of {', '.join(PARTS)}",
    )
    parser.add_argument(
        "--rounds", type=int, help="processes for each contender and workload; 3, or 1 with --quick"
    )
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        default=pathlib.Path("build/benchmarks"),
        help="folder for results.json and results.md",
    )
    parser.add_argument("--one", nargs=2, metavar=("WORKLOAD", "CONTENDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    by_name = {w.name: w for w in WORKLOADS}
    if options.one:
        print(json.dumps(measure(by_name[options.one[0]], options.one[1], options.quick)))
        return
    chosen = [name for name in by_name if options.only.lower() in name.lower()]
    parts = [name for name in PARTS if options.only.lower() in name]
    if not chosen and not parts:
        parser.error(
            f"no workload with {options.only!r} in its name. There are: "
            f"{'; '.join([*by_name, *PARTS])}"
        )
    for folder in ("fkeras", "benchmarks"):  # an installed package is compiled too
        compileall.compile_dir(ROOT / folder, quiet=1)
    contenders = [c for c, package in NEEDED.items() if importlib.util.find_spec(package)]
    rounds = options.rounds or (1 if options.quick else 3)
    report = {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "rounds": rounds,
        "quick": options.quick,
        "results": {},
    }
    options.output.mkdir(parents=True, exist_ok=True)

    def write():  # after each part, so that an interrupt keeps what is done
        (options.output / "results.json").write_text(json.dumps(report, indent=1))
        (options.output / "results.md").write_text(markdown(report) + "\n")

    for name in parts:
        report[name] = PARTS[name].run(rounds, environment())
        write()
    for name in chosen:
        runs = {contender: [] for contender in contenders}
        for _ in range(rounds):
            for contender in contenders:
                runs[contender].append(in_process(name, contender, options.quick))
                print(f"{name}: {contender}: {runs[contender][-1]}", file=sys.stderr, flush=True)
        report["results"][name] = {
            contender: medians(results) for contender, results in runs.items()
        }
        write()
    print(markdown(report))


if __name__ == "__main__":
    main()
