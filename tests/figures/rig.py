"""What the commands that measure share: servers on loopback ports of their own, and what a figure holds for."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BELLHOP = ROOT / "target/release/bellhop"
# Limits for one client would be what is measured otherwise.
NO_LIMITS = {
    "BELLHOP_LIMITS__MESSAGES_PER_SECOND": "1000000",
    "BELLHOP_LIMITS__CONVERSATIONS_PER_SECOND": "1000000",
}
START_LIMIT = 300


def free_port():
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


def until(what, is_so, limit=START_LIMIT):
    end = time.monotonic() + limit
    while not is_so():
        if time.monotonic() > end:
            sys.exit(f"not within {limit} s: {what}")
        time.sleep(0.005)


class Process:
    """A program that ends with the `with` block: asked to first, then killed."""

    def __init__(self, arguments, env=None):
        env = {**os.environ, **(env or {})}
        self.child = subprocess.Popen(
            [str(argument) for argument in arguments], env=env, cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(30)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def must_run(self):
        if self.child.poll() is not None:
            sys.exit(f"{self.child.args[0]} ended with {self.child.returncode}; what it said is above")


class Redis(Process):
    """A Redis server that keeps what it acknowledges as `appendfsync` says."""

    def __init__(self, folder, appendfsync):
        folder.mkdir()
        self.port = free_port()
        super().__init__(["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--dir", folder,
                          "--appendonly", "yes", "--appendfsync", appendfsync])
        until("redis-server answers", self.answers)

    def answers(self):
        self.must_run()
        pong = subprocess.run(["redis-cli", "-p", str(self.port), "ping"], capture_output=True, text=True)
        return pong.stdout.strip() == "PONG"

    def store(self, prefix, *options):
        return f"redis://127.0.0.1:{self.port}?" + "&".join([f"prefix={prefix}", *options])


class Bellhop(Process):
    """`bellhop serve` on a store; `started` is the seconds until it was ready."""

    def __init__(self, store, binary=BELLHOP, before=()):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        start = time.monotonic()
        super().__init__([*before, binary, "serve", "--listen", f"127.0.0.1:{self.port}", "--store", store], NO_LIMITS)
        until("bellhop is ready", self.is_ready)
        self.started = time.monotonic() - start

    def is_ready(self):
        self.must_run()
        try:
            with urllib.request.urlopen(self.url + "/readyz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False


class Balancer(Process):
    """A TCP balancer that gives each connection to a random process."""

    def __init__(self, folder, processes):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        servers = "".join(f"  server s{n} 127.0.0.1:{it.port}\n" for n, it in enumerate(processes))
        config = folder / f"haproxy-{self.port}.cfg"
        config.write_text(
            "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
            f"listen bellhop\n  bind 127.0.0.1:{self.port}\n  balance random\n{servers}")
        super().__init__([haproxy(), "-db", "-f", config])
        until("haproxy answers", self.answers)

    def answers(self):
        self.must_run()
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", self.port)) == 0


def haproxy():
    """Debian puts it where only root looks."""
    return shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")


# A line of `bellhop load`'s table.
ROW = re.compile(r"^ *\d+(?: +[\d.]+){8}$")
COLUMNS = ["at once", "turns/s", "p50", "p95", "p99", "max", "errors", "lost", "doubled"]


def load(urls, conversations, seconds, *flags):
    """One round of `bellhop load`: its figures by name."""
    command = [BELLHOP, "load", "--url", ",".join(urls), "--conversations", conversations, "--seconds", seconds, *flags]
    ran = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=ROOT)
    rows = [line for line in ran.stdout.splitlines() if ROW.match(line)]
    if ran.stderr:
        print(ran.stderr, end="", file=sys.stderr)
    if len(rows) != 1:
        sys.exit(f"bellhop load did not tell its figures:\n{ran.stdout}")
    return dict(zip(COLUMNS, map(float, rows[0].split())))


def over_rounds(rounds):
    """The median of each figure, and the sum of what must be none."""
    figures = {name: statistics.median(it[name] for it in rounds) for name in COLUMNS}
    for name in ("errors", "lost", "doubled"):
        figures[name] = sum(it[name] for it in rounds)
    return figures


def said(*command):
    try:
        ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    except FileNotFoundError:
        return "none"
    return (ran.stdout.strip().splitlines() or ["?"])[0]


def conditions(folder):
    """A line that says what the figures hold for."""
    redis = re.search(r"v=(\S+)", said("redis-server", "--version"))
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    changed = ", with changes" if said("git", "status", "--porcelain", "-uno") != "?" else ""
    parts = [
        f"{os.cpu_count()} cores ({model.group(1) if model else 'unknown'})",
        f"load average {os.getloadavg()[0]:.1f} at the start",
        f"Redis {redis.group(1) if redis else 'not installed'}",
        f"stores on {said('stat', '-f', '-c', '%T', str(folder))}",
        f"commit {said('git', 'rev-parse', '--short', 'HEAD')}{changed}",
        time.strftime("%Y-%m-%d", time.gmtime()),
    ]
    return "; ".join(parts)


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    print("\n".join("| " + " | ".join(line) + " |" for line in lines), flush=True)


def call(url, body=None, token=None):
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=300) as answer:
        return json.loads(answer.read() or b"null")
