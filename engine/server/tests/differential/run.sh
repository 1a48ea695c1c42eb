#!/usr/bin/env bash
# Differential fuzzing: the same random commands to refrain-server and to a real redis-server, replies compared.
#
# usage: run.sh FUZZER REFRAIN_SERVER [SEEDS] [COMMANDS] [FAMILIES]
#   FUZZER           the differential fuzzer (a Python script: SEED COUNT HOST:PORT HOST:PORT --families … --known …)
#   REFRAIN_SERVER   the binary under test
#
# Commands that refrain-server does not have are taken away from redis-server, so that both know the same set and every
# difference that is left is one of behaviour. known.txt names those that are meant, each with its reason.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
fuzzer=$1 server=$2 seeds=${3:-1} commands=${4:-20000} families=${5:-strings,keys,expire,multi,server,proto,spec}
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
ours=$((20000 + RANDOM % 5000)) theirs=$((25000 + RANDOM % 5000))

wait_for() { for _ in $(seq 100); do redis-cli -p "$1" ping >/dev/null 2>&1 && return; sleep 0.1; done; echo "port $1 is silent" >&2; exit 1; }

# The fuzzer logs in wrongly all the time, which must not slow it down.
"$server" --port "$ours" --bind 127.0.0.1 --save "" --dir "$work" --login-delay-max 0 --enable-debug-command local >"$work/refrain.log" 2>&1 & pids+=($!)
redis-server --port "$theirs" --save "" --dir "$work" --loglevel warning >"$work/redis.log" 2>&1 & all=$!
wait_for "$ours"; wait_for "$theirs"
redis-cli -p "$ours" command list | grep -v '|' | sort >"$work/ours"
redis-cli -p "$theirs" command list | grep -v '|' | sort >"$work/theirs"
kill "$all"; wait "$all" 2>/dev/null || true
comm -13 "$work/ours" "$work/theirs" | sed 's/.*/rename-command & ""/' >"$work/redis.conf"
redis-server "$work/redis.conf" --port "$theirs" --save "" --dir "$work" --loglevel warning --enable-debug-command local \
    >"$work/redis.log" 2>&1 & pids+=($!)
wait_for "$theirs"

# Both sweep expired keys ten times a second, but not at the same moments: DBSIZE would tell. Without sweeps a key goes when it
# is met, which is the same command on both sides.
for port in "$ours" "$theirs"; do
    [ "$(redis-cli -p "$port" debug set-active-expire 0)" = OK ] || { echo "port $port goes on sweeping" >&2; exit 1; }
done

# The fuzzer's known-differences file: one regular expression a line; reasons are comments here.
sed '/^#/d; /^$/d' "$here/known.txt" >"$work/known"
failed=0
for seed in $(seq "$seeds"); do
    python3 "$fuzzer" "$seed" "$commands" "127.0.0.1:$theirs" "127.0.0.1:$ours" --families "$families" --known "$work/known" \
        --max-print 40 || failed=1
done
exit "$failed"
