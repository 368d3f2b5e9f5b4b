"""Kills trainings at random moments, as often as you like, and compares what comes of them with a
training that nobody killed: weights, history, files.

    python -m benchmarks.kills --kills 200
"""

import argparse
import tempfile
import time

from tests.training.kills import kill_often


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        hits = kill_often(options.kills, folder, options.seed)
        seconds = time.perf_counter() - start
    print(f"{sum(hits.values())} kills in {seconds:.0f} s: {hits}; all equal, no file damaged")


if __name__ == "__main__":
    main()
