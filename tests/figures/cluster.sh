#!/usr/bin/env bash
# A Redis Cluster of six nodes on loopback (three masters, each with a replica), and on it: the store's own tests, the whole-program
# and the browser tests, and processes that are killed under load.
#
#   tests/figures/cluster.sh [--browser] [PORT]
#
# Takes six ports from PORT (7400) and the six that are 10,000 above. The browser tests are run where they are asked for: they take as long
# as all the rest.
set -euo pipefail
# Every command builds the whole workspace: a part of it would be built once more, with other features.
cd "$(dirname "$0")/../.."

browser=
if [ "${1:-}" = --browser ]; then
  browser=yes
  shift
fi
first=${1:-7400}
place=$(mktemp -d)
nodes=()
trap 'kill "${nodes[@]}" 2>/dev/null; wait; rm -rf "$place"' EXIT
hosts=()
for ((port = first; port < first + 6; port++)); do
  mkdir "$place/$port"
  redis-server --port "$port" --bind 127.0.0.1 --dir "$place/$port" --save '' --appendonly yes --appendfsync always \
    --cluster-enabled yes --cluster-node-timeout 2000 --repl-diskless-sync-delay 0 >"$place/$port/log" &
  nodes+=($!)
  hosts+=("127.0.0.1:$port")
  for ((tries = 0; tries < 100; tries++)); do
    redis-cli -p "$port" ping >/dev/null 2>&1 && break
    sleep 0.1
  done
done
redis-cli --cluster create "${hosts[@]}" --cluster-replicas 1 --cluster-yes >"$place/created" || {
  cat "$place/created"
  exit 1
}
for port in "${hosts[@]##*:}"; do
  until redis-cli -p "$port" cluster info | grep -q cluster_state:ok &&
    redis-cli -p "$port" info replication | grep -Eq 'state=online|master_link_status:up'; do
    sleep 0.1
  done
done

cluster="${hosts[0]},${hosts[1]}?cluster=true"
echo "== the store's tests, on a cluster of their own"
BELLHOP_CLUSTER_TESTS=1 BELLHOP_REQUIRE_REDIS=1 cargo test --release --locked --workspace --lib store::
echo "== the program on the cluster"
TEST_REDIS="$cluster" cargo test --release --locked --workspace --test chat --test voice --test channels --test crash
if [ -n "$browser" ]; then
  echo "== a customer and an agent in a browser, on the cluster"
  (cd tests/browser && npm ci --no-audit --no-fund --silent && TEST_REDIS="$cluster" node --test --test-concurrency=1)
fi
echo "== processes killed under load on the cluster"
cargo build --release --locked --workspace --all-targets
target/release/chaos --store "redis://$cluster&prefix=chaos" --rounds 3 --every 13 --untimed
