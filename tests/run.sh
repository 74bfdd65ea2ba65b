#!/usr/bin/env bash
# Installs what the tests need and runs all of them: the one command of README.
# On Debian it installs packages itself (as root, or through sudo); elsewhere have chromium, node and
# npm on the PATH.
set -euo pipefail
cd "$(dirname "$0")/.."

stage() { printf '\n== %s (%s s)\n' "$1" "$SECONDS"; }

# Runs a command that ends with an error where it takes so many minutes: what hangs is a failure with a name.
within() {
  local minutes=$1
  shift
  if command -v timeout >/dev/null; then
    timeout --kill-after=10 "${minutes}m" "$@" || { echo "failed, or not done within $minutes minutes: $*" >&2; return 1; }
  else
    "$@"
  fi
}

need_packages() {
  local missing=()
  command -v chromium >/dev/null || missing+=(chromium)
  command -v node >/dev/null || missing+=(nodejs)
  command -v npm >/dev/null || missing+=(npm)
  command -v cc >/dev/null || missing+=(build-essential)
  command -v pip >/dev/null || command -v pip3 >/dev/null || missing+=(python3-pip)
  command -v redis-server >/dev/null || missing+=(redis-server)
  python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
  fc-list 2>/dev/null | grep -q . || missing+=(fonts-dejavu-core)
  [ ${#missing[@]} -eq 0 ] && return
  local sudo=""
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

stage "packages"
need_packages
(cd tests/browser && npm ci --no-audit --no-fund --silent)
(cd tests/peers && npm ci --no-audit --no-fund --silent)
peers=target/peers
[ -x "$peers/bin/pip" ] || python3 -m venv "$peers"
"$peers/bin/pip" install --quiet --disable-pip-version-check --requirement tests/peers/requirements.txt

stage "format and lints"
cargo fmt --all --check
cargo clippy --release --workspace --all-targets --locked -- -D warnings

stage "build"
cargo build --release --workspace --all-targets --locked
bellhop=target/release/bellhop

stage "the demo bots: model, checks, their own conversations"
for bot in flows/demo/*/; do
  "$bellhop" train "$bot"
  "$bellhop" check "$bot"
  "$bellhop" test "$bot" --coverage
done

stage "Rust tests"
within 30 cargo test --release --workspace --locked

stage "the program on Redis"
(
  place=$(mktemp -d)
  redis-server --port 7397 --appendonly yes --appendfsync always --save '' --dir "$place" >/dev/null &
  trap 'kill %1; rm -rf "$place"' EXIT
  until redis-cli -p 7397 ping >/dev/null 2>&1; do sleep 0.1; done
  TEST_REDIS=127.0.0.1:7397 within 15 cargo test --release --workspace --locked --test chat --test voice --test channels --test secrets --test crash
)

stage "the program on a Redis Cluster"
within 15 tests/figures/cluster.sh

stage "channels against what others wrote: a client of WhatsApp, an emulator of Telegram"
within 5 "$peers/bin/python" tests/peers/whatsapp.py
(cd tests/peers && within 5 node --test)

stage "the API by its document: schemathesis"
within 10 "$peers/bin/python" tests/peers/api.py

stage "browser tests"
(cd tests/browser && within 20 node --test --test-concurrency=1)

stage "licences and advisories"
if command -v cargo-deny >/dev/null; then
  cargo deny check licenses bans sources
  cargo deny check advisories || echo "advisories: not judged (see above)"
else
  echo "cargo-deny is not installed: licences, bans and sources were judged by tests/tests/tidy.rs"
fi

stage "all passed"
