#!/usr/bin/env python3
"""Instructions of a turn on SQLite, counted by valgrind's callgrind: what accepting a message and committing a turn cost, and the rest.

    tests/figures/instructions.py [--turns 100]

The real program runs under valgrind; counting is on only while one customer after the other says something and waits for the answer, so
each write is a transaction of its own. Unlike times, these hardly change with what else the machine does. valgrind knows no AVX-512: reading
is counted on the AVX2 path. Instructions of the kernel are not counted. Needs valgrind, and a release build.
"""
import argparse
import itertools
import pathlib
import re
import subprocess
import sys
import tempfile

import rig

CONVERSATIONS = 8
SAYINGS = ["hello", "what does an overdraft cost?", "how long does a new card take to arrive", "what are your fees abroad",
           "what's the exchange rate for euros", "what's the sort code of my account"]
ACCEPT, COMMIT = "bellhop::store::sqlite::writes::accept", "bellhop::store::sqlite::writes::commit"
PARTS = {
    "accept, inside its transaction": ACCEPT,
    "commit, inside its transaction": COMMIT,
    "turn's end: events and state become a commit": "bellhop::rules::turn_end::turn_end",
    "reading": "bellhop::understand::work",
    "retrieval": "bellhop_knowledge::index::Index::search",
    "engine": "bellhop_flows::engine::step",
}
# `1,234 (5.6%)  FILE:FUNCTION [OBJECT]`, with spaces before short numbers.
LINE = re.compile(r"^ *([\d,]+) \( *[\d.]+%\)  [^:]*:(.+?)(?: \[.*)?$")


def counted(file):
    """Instructions of one thread, and of each of its functions with all that they call."""
    ran = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--auto=no", file],
                         capture_output=True, text=True, check=True)
    total, functions = 0, {}
    for line in ran.stdout.splitlines():
        if "PROGRAM TOTALS" in line:
            total = int(line.split()[0].replace(",", ""))
        elif found := LINE.match(line):
            # A function is listed once for each file that it was inlined from; the whole of it is the most.
            name, cost = found[2].strip(), int(found[1].replace(",", ""))
            functions[name] = max(cost, functions.get(name, 0))
    return total, functions


def converse(url, turns):
    conversations = []
    for _ in range(CONVERSATIONS):
        opened = rig.call(f"{url}/v1/conversations", {})
        path = f"{url}/v1/conversations/{opened['conversation_id']}/messages?wait=reply"
        conversations.append((path, opened["token"]))
    numbers = itertools.count()

    def say(times):
        for number in itertools.islice(numbers, times):
            path, token = conversations[number % CONVERSATIONS]
            text = SAYINGS[number % len(SAYINGS)]
            if not rig.call(path, {"client_msg_id": f"m{number}", "text": text}, token)["replies"]:
                sys.exit(f"nothing was said to `{text}`")

    say(len(SAYINGS) * CONVERSATIONS)  # what is slow only once
    yield
    say(turns)
    yield


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=100)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        print(f"{rig.conditions(folder)}; {rig.said('valgrind', '--version')}; {args.turns} turns, one at a time\n", flush=True)
        valgrind = ["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", "--separate-threads=yes",
                    f"--callgrind-out-file={folder}/counted"]
        with rig.Bellhop(f"sqlite:{folder}/bellhop.db", before=valgrind) as server:
            def control(*command):
                subprocess.run(["callgrind_control", *command, str(server.child.pid)], check=True, capture_output=True)

            phases = converse(server.url, args.turns)
            next(phases)
            control("-i", "on")
            next(phases)
            control("-d", "turns")
            control("-i", "off")
            threads = [counted(file) for file in sorted(folder.glob("counted.1-*"))]
    writer = sum(total for total, functions in threads if COMMIT in functions)
    rows = [["everything", sum(total for total, _ in threads)],
            ["store's thread: both transactions, begun and ended", writer]]
    rows += [[what, sum(functions.get(name, 0) for _, functions in threads)] for what, name in PARTS.items()]
    if not all(cost for _, cost in rows):
        sys.exit(f"a function was not found, perhaps because it has another name now: {rows}")
    rig.table(["part", "instructions a turn"], [[what, f"{cost / args.turns:,.0f}"] for what, cost in rows])


if __name__ == "__main__":
    main()
