#!/usr/bin/env python3
"""Turns a second and latency on SQLite and on Redis, with one process and with three, in one table.

    tests/figures/load.py [--seconds 15] [--rounds 3] [--against OLDER_BELLHOP]

All servers run side by side on this machine and take turns under load, round after round; a figure is the median of its rounds.
Three processes are tried in two ways: each request goes to a random one of them; and through haproxy, a TCP balancer (where it is
installed), over a connection of its own. Needs redis-server, and a release build whose demo bot is trained (`bellhop train
flows/demo/harbor-bank`). Exits with 1 when anything acknowledged was lost, doubled, out of order or not answered.
"""
import argparse
import contextlib
import pathlib
import sys
import tempfile

import rig

PROCESSES = 3


class Setup:
    """Where requests of a row of the table go; `base` names the row that its p99 is compared with."""

    def __init__(self, name, urls, flags=(), base=None):
        self.name, self.urls, self.flags, self.base = name, urls, flags, base
        self.rounds = {}


def start(stack, folder, against):
    enter = stack.enter_context
    setups = [Setup("SQLite", [enter(rig.Bellhop(f"sqlite:{folder}/bellhop.db")).url])]
    if against:
        server = enter(rig.Bellhop(f"sqlite:{folder}/against.db", against))
        setups.append(Setup(f"SQLite, {against}", [server.url]))
    for appendfsync, options in (("always", ()), ("everysec", ("accept_loss=true",))):
        redis = enter(rig.Redis(folder / appendfsync, appendfsync))
        name = f"Redis `{appendfsync}`"
        setups.append(Setup(name, [enter(rig.Bellhop(redis.store("one", *options))).url]))
        store = redis.store("three", *options)
        several = [enter(rig.Bellhop(store)) for _ in range(PROCESSES)]
        setups.append(Setup(f"{name}, {PROCESSES} processes", [it.url for it in several], base=name))
        if rig.haproxy():
            balancer = enter(rig.Balancer(folder, several))
            setups.append(Setup(f"{name}, {PROCESSES} processes, haproxy", [balancer.url], ["--reconnect"], name))
    return setups


def rows(setups, at_once):
    figures = {it.name: rig.over_rounds(it.rounds[at_once]) for it in setups}
    for setup in setups:
        its, sqlite = figures[setup.name], figures["SQLite"]
        base = figures[setup.base or "SQLite"]
        yield [str(at_once), setup.name, f"{its['turns/s']:.0f}", *(f"{its[p]:.1f}" for p in ("p50", "p95", "p99")),
               f"{its['turns/s'] / sqlite['turns/s']:.2f}", f"{its['p99'] / base['p99']:.2f}",
               *(f"{its[name]:.0f}" for name in ("errors", "lost", "doubled"))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=15, help="of each round of each row")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--conversations", default="1,8,32", help="at once")
    parser.add_argument("--against", type=pathlib.Path, help="another build of bellhop, for a row of its own on SQLite")
    parser.add_argument("--folder", help="where the stores are made; its disk is part of what is measured")
    args = parser.parse_args()
    conversations = [int(number) for number in args.conversations.split(",")]
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=args.folder)))
        print(f"{rig.conditions(folder)}; the median of {args.rounds} rounds of {args.seconds} s, load generator and all "
              "servers on this machine\n", flush=True)
        if not rig.haproxy():
            print("haproxy is not installed: no rows with a TCP balancer\n", flush=True)
        setups = start(stack, folder, args.against)
        for setup in setups:
            rig.load(setup.urls, 8, 2, *setup.flags)  # what is slow only once
        for at_once in conversations:
            for number in range(args.rounds):
                for setup in setups:
                    figures = rig.load(setup.urls, at_once, args.seconds, *setup.flags, "--seed", number)
                    setup.rounds.setdefault(at_once, []).append(figures)
    rig.table(["at once", "store", "turns/s", "p50 ms", "p95 ms", "p99 ms", "of SQLite's turns/s",
               "p99 against SQLite; of several processes, against one", "errors", "lost", "doubled"],
              [row for at_once in conversations for row in rows(setups, at_once)])
    rounds = [it for setup in setups for all in setup.rounds.values() for it in all]
    sys.exit(any(it[name] for it in rounds for name in ("errors", "lost", "doubled")))


if __name__ == "__main__":
    main()
