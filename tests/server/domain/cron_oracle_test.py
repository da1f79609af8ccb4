#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Thousands of generated cron expressions: the next times must be those that croniter gives.

Usage: cron_oracle_test.py PROGRAM [SEED]. In UTC, where both must agree to the second; what happens
when clocks change is a rule of our own and stands in cron_test.cpp.
"""
import random
import subprocess
import sys

from croniter import croniter

CASES, TIMES = 5000, 4
FIELDS = [(0, 59, ()), (0, 23, ()), (1, 31, ()),
          (1, 12, "jan feb mar apr may jun jul aug sep oct nov dec".split()),
          (0, 6, "sun mon tue wed thu fri sat".split())]


def value(rng, low, high, names):
    number = rng.randint(low, high)
    return names[number - low] if names and rng.random() < 0.3 else str(number)


def item(rng, low, high, names):
    kind = rng.random()
    if kind < 0.3:
        return value(rng, low, high, names)
    if kind < 0.5:
        first = rng.randint(low, high)
        text = f"{first}-{rng.randint(first, high)}"
    elif kind < 0.8:
        return f"*/{rng.randint(1, high)}"
    else:
        first = rng.randint(low, high - 1)
        text = f"{first}-{rng.randint(first + 1, high)}"
        return f"{text}/{rng.randint(1, min(9, high))}"
    return text


def field(rng, low, high, names):
    if rng.random() < 0.35:
        return "*"
    return ",".join(item(rng, low, high, names) for _ in range(rng.choice((1, 1, 1, 2, 3))))


def main():
    program, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20261128
    rng = random.Random(seed)
    cases = []
    while len(cases) < CASES:
        expression = " ".join(field(rng, *each) for each in FIELDS)
        after = rng.randint(0, 4_000_000_000)
        try:
            oracle = croniter(expression, after)
            expected = [int(oracle.get_next(float)) for _ in range(TIMES)]
        except Exception:  # days that never come, within its own horizon
            continue
        cases.append((expression, after, expected))
    lines = "".join(f"UTC\t{after * 1000}\t{TIMES}\t{expression}\n"
                    for expression, after, _ in cases)
    answers = subprocess.run([program], input=lines, capture_output=True, text=True, check=True,
                             timeout=300).stdout.splitlines()
    assert len(answers) == len(cases), f"{len(answers)} answers to {len(cases)} questions"
    wrong = 0
    for (expression, after, expected), answer in zip(cases, answers):
        if answer.split() != [str(at) for at in expected]:
            wrong += 1
            print(f"wrong: {expression!r} after {after}: {answer!r}, expected {expected}")
    print(f"seed {seed}: {len(cases)} expressions compared, {wrong} differ")
    return 1 if wrong else 0


sys.exit(main())
