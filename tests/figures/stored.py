#!/usr/bin/env python3
"""Whether a turn takes longer where much is stored: latency and time to start on SQLite stores of several sizes, in one table.

    tests/figures/stored.py [--turns 0,100000,1000000] [--seconds 15] [--rounds 3]

Stores are filled with copies: the program holds real conversations (`bellhop load`) for a few seconds, is stopped, and their rows are
copied under new ids into a new file, by SQL, until there are enough turns; the copies are closed and due for nothing, as conversations
of the past are. A turn takes some 5 KB on the disk. The servers then run side by side and take turns under load, round after round; a
figure is the median of its rounds. Exits with 1 when something acknowledged was lost, doubled, out of order or not answered.
"""
import argparse
import contextlib
import pathlib
import sqlite3
import statistics
import sys
import tempfile

import rig

SAMPLE_SECONDS = 10
STARTS = 3


def sample(folder):
    """A store with some real conversations."""
    path = folder / "sample.db"
    with rig.Bellhop(f"sqlite:{path}") as server:
        rig.load([server.url], 8, SAMPLE_SECONDS)
    return path


def fill(sample_path, path, turns):
    """Copies the sample's conversations into a new store until it has so many turns; gives how many it has."""
    with contextlib.closing(sqlite3.connect(sample_path)) as real, contextlib.closing(sqlite3.connect(path)) as copy:
        real.backup(copy)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as store:
        store.execute("PRAGMA journal_mode = WAL")
        # Nothing is lost here that could not be made again.
        store.execute("PRAGMA synchronous = OFF")
        store.execute("ATTACH ? AS sample", (str(sample_path),))
        # Only conversations are named without a colon.
        store.execute("CREATE TEMP TABLE copied AS SELECT pid FROM sample.partitions WHERE id NOT LIKE '%:%'")
        (last,) = store.execute("SELECT max(pid) FROM sample.partitions").fetchone()
        store.execute("UPDATE main.partitions SET closed = 1, due = NULL WHERE pid IN (SELECT pid FROM copied)")
        copies = [copy_of(store, name) for name in tables_by_pid(store)]
        count = "SELECT count(*) FROM {}.log WHERE kind = 'input'"
        (each,) = store.execute(count.format("sample")).fetchone()
        for number in range(1, max(1, round(turns / each))):
            store.execute("BEGIN")
            for copy in copies:
                store.execute(copy, {"number": number, "offset": number * last})
            store.execute("COMMIT")
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return store.execute(count.format("main")).fetchone()[0]


def tables_by_pid(store):
    names = store.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    for (name,) in names.fetchall():
        if any(column[1] == "pid" for column in store.execute(f"PRAGMA main.table_info({name})")):
            yield name


def copy_of(store, table):
    """The statement that copies a table's rows; ids stay as long as they are and in the order in which they were made."""
    columns = [column[1] for column in store.execute(f"PRAGMA main.table_info({table})")]
    # What a table numbers for itself, it numbers anew.
    columns = [name for name in columns if name != "lane"]
    new = {"pid": "pid + :offset"}
    if table == "partitions":
        new |= {"id": "printf('%06d', :number) || substr(id, 7)", "closed": "1", "due": "NULL"}
    values = ", ".join(new.get(name, name) for name in columns)
    order = "" if table in without_rowid(store) else "ORDER BY rowid"
    return (f"INSERT INTO main.{table} ({', '.join(columns)}) SELECT {values} FROM sample.{table} "
            f"WHERE pid IN (SELECT pid FROM copied) AND :number > 0 {order}")


def without_rowid(store):
    return {row[1] for row in store.execute("PRAGMA main.table_list") if row[4]}


def stores(folder, sizes):
    real = sample(folder)
    for size in sizes:
        path = folder / f"stored-{size}.db"
        turns = fill(real, path, size) if size else 0
        megabytes = path.stat().st_size / 1e6 if size else 0
        print(f"- {turns:,} stored turns: {megabytes:,.0f} MB", flush=True)
        yield turns, f"sqlite:{path}"


def start_times(made):
    """Seconds until each store's server is ready, one after the other, several times."""
    times = {store: [] for _, store in made}
    for _ in range(STARTS):
        for _, store in made:
            with rig.Bellhop(store) as server:
                times[store].append(server.started)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", default="0,100000,1000000", help="that are stored; the first is what the others are compared with")
    parser.add_argument("--seconds", type=int, default=15, help="of each round of each row")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--conversations", default="1,8", help="at once")
    parser.add_argument("--folder", help="where the stores are made; its disk is part of what is measured")
    args = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=args.folder)))
        print(f"{rig.conditions(folder)}; the median of {args.rounds} rounds of {args.seconds} s and of {STARTS} starts, load "
              "generator and all servers on this machine\n", flush=True)
        made = list(stores(folder, [int(size) for size in args.turns.split(",")]))
        print(flush=True)
        started = start_times(made)
        servers = [stack.enter_context(rig.Bellhop(store)) for _, store in made]
        for server in servers:
            rig.load([server.url], 8, 2)  # what is slow only once
        rows, wrong = [], 0
        for at_once in args.conversations.split(","):
            rounds = [[] for _ in servers]
            for number in range(args.rounds):
                for server, its in zip(servers, rounds):
                    its.append(rig.load([server.url], at_once, args.seconds, "--seed", number))
            figures = [rig.over_rounds(its) for its in rounds]
            wrong += sum(its[name] for its in figures for name in ("errors", "lost", "doubled"))
            for (turns, store), its in zip(made, figures):
                rows.append([at_once, f"{turns:,}", f"{its['turns/s']:.0f}",
                             *(f"{its[p]:.1f} ({its[p] / figures[0][p]:.2f})" for p in ("p50", "p95", "p99")),
                             f"{statistics.median(started[store]):.2f}",
                             *(f"{its[name]:.0f}" for name in ("errors", "lost", "doubled"))])
        first = f"{made[0][0]:,} turns"
        rig.table(["at once", "stored turns", "turns/s", *(f"{p} ms (times {first})" for p in ("p50", "p95", "p99")),
                   "start, s", "errors", "lost", "doubled"], rows)
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
