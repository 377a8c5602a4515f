"""
`python -m benchmarks [PART...]`: every figure as a ratio to a floor taken in the same run.

`SOPHIA_BENCH_ROUNDS` says how many pairs stand behind a start (21 by default). Exit 1 where a
goal is missed by more than a fifth; a noisy machine misses one now and then.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator

from benchmarks import audit_queries, config, log, masking, starts, vendor
from benchmarks.pairs import ROUNDS, Row

PARTS: dict[str, Callable[[], Iterator[Row]]] = {
    "starts": starts.rows,
    "vendor": vendor.rows,
    "config": config.rows,
    "log": log.rows,
    "long-log": audit_queries.rows,
    "masking": masking.rows,
}
ALARM = 1.2


def main(wanted: list[str]) -> int:
    """Measure the parts named, or all of them, and print the table as it grows."""
    unknown = [part for part in wanted if part not in PARTS]
    if unknown:
        print(f"There is no part {', '.join(unknown)}; there are {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    print(
        f"{platform.python_implementation()} {platform.python_version()}, {platform.system()}, {ROUNDS} pairs a start\n"
    )
    print("| what | ratio | goal | floor | |")
    print("|---|---:|---:|---|---|")
    missed = 0
    for part in wanted or PARTS:
        for row in PARTS[part]():
            goal = f"{row.goal:.2f}" if row.goal is not None else ""
            print(f"| {row.what.strip()} | {row.ratio:.2f} | {goal} | {row.floor} | {row.more} |", flush=True)
            missed += row.goal is not None and row.ratio > row.goal * ALARM
    print(f"\n{missed} of the goals missed by more than a fifth.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
