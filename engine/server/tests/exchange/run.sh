#!/usr/bin/env bash
# Exchange of data with other servers: each writes what the other reads, and both are asked what they hold.
#
# usage: run.sh REFRAIN_SERVER PEER_SERVER…
#   REFRAIN_SERVER   the binary under test
#   PEER_SERVER      binaries of redis-server (7.0 or newer) and valkey-server
#
# For each peer, both ways: RDB files, one of them without what only newer versions can say; an append-only file as it was
# written command by command, one that was rewritten with a base of RDB, and one with a base of commands; payloads of DUMP. Keys
# are of every type and encoding, small and large. What is compared: the set of keys, TYPE, PEXPIRETIME, contents, deadlines of
# fields, and of streams all of XINFO STREAM FULL that both know. Only what is named at its place below is left out, each with its
# reason. Libraries of functions, which only the peers run, go from each peer through the binary under test and back.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
refrain=$1
shift
work=$(mktemp -d)
declare -A pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
first_port=$((20000 + RANDOM % 10000)) failed=0 compared=0

# Small, so that a few elements reach the large encodings. All servers know these.
sizes=(--hash-max-listpack-entries 16 --set-max-intset-entries 16 --zset-max-listpack-entries 16 --list-max-listpack-size 8
    --stream-node-max-entries 8)

# start PORT SERVER DIR [PARAMETER…]: waits until it has loaded what it found. Fails if it ends instead.
start() {
    local port=$1 server=$2 dir=$3 i
    shift 3
    "$server" --port "$port" --bind 127.0.0.1 --dir "$dir" --save "" "${sizes[@]}" "$@" >>"$dir/log" 2>&1 &
    pids[$port]=$!
    for i in $(seq 200); do
        [ "$(redis-cli -p "$port" ping 2>/dev/null)" = PONG ] && return 0
        kill -0 "${pids[$port]}" 2>/dev/null || break
        sleep 0.1
    done
    return 1
}

stop() {
    [ -n "${pids[$1]:-}" ] || return 0
    kill "${pids[$1]}" 2>/dev/null || true
    wait "${pids[$1]}" 2>/dev/null || true
    unset "pids[$1]"
}

knows() { [ -n "$(redis-cli -p "$1" command info "$2")" ]; }
info() { redis-cli -p "$1" info server | tr -d '\r' | sed -n "s/^$2://p"; }
is_valkey() { [ -n "$(info "$1" valkey_version)" ]; }
is_older() { [ "$(printf '%s\n' "$(info "$1" redis_version)" 7.2 | sort -V | head -1)" != 7.2 ]; }

# repeat COUNT TEXT: the text with the numbers from 1 on in place of %d.
repeat() { local i; for i in $(seq "$1"); do printf '%s ' "${2//%d/$i}"; done; }

# Commands, one a line, as redis-cli reads them. WITH names what not all can exchange: "consumers" of streams, of which one has
# something pending that is "gone"; "timed" hashes, whose fields have deadlines; streams that remember "producers".
commands() {
    local with=$1 i
    local far=4102444800123 long
    long=$(printf 'x%.0s' $(seq 9000))
    cat <<END
SET s:int8 -7
SET s:int16 12345
SET s:int32 2000000000
SET s:int64 9007199254740993
SET s:leading-zero 007
SET s:empty ""
SET s:bytes "\x00\xff\r\n\"quoted\" \xc3\xa4"
SET s:repeated $(repeat 40 ab | tr -d ' ')
SET s:long $long
APPEND s:appended 123
SET s:deadline v PXAT $far
SETBIT s:bits 1000 1
PFADD s:sparse $(repeat 50 e%d)
PFADD s:dense $(repeat 3000 e%d)
RPUSH l:packed 1 -5 a "" 300000 bbbbbbbbbb "\x00\xff"
RPUSH l:nodes $(repeat 100 element-%d)
RPUSH l:plain-node a $long b
SADD set:int16 1 2 3 -700
SADD set:int32 1 70000
SADD set:int64 1 1099511627776 -1099511627776
SADD set:packed a 1 "" "\x00\xff"
SADD set:large $(repeat 200 member-%d)
SADD set:many-ints $(repeat 40 1000%d)
ZADD z:packed 1 a 2.5 b -inf c inf d 0.1 e -0 f
ZADD z:large $(repeat 100 "%d.3 member-%d")
GEOADD z:places 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
HSET h:packed f v n 5 "" "" "\x00" "\xff"
HSET h:large $(repeat 100 "f%d v%d")
HSET h:long f $long
XADD st:plain 5-5 a 1 b 2
$(for i in $(seq 50); do echo "XADD st:blocks $i-1 same v$i other $i"; done)
XADD st:blocks 60-1 different w
XDEL st:blocks 3-1 50-1
XGROUP CREATE st:blocks g 0
XGROUP CREATE st:blocks other 20-1 ENTRIESREAD 20
XGROUP CREATE st:blocks none $
XADD st:emptied 1-1 a 1
XDEL st:emptied 1-1
XSETID st:emptied 9-9 ENTRIESADDED 12 MAXDELETEDID 8-8
XGROUP CREATE st:nothing g $ MKSTREAM
$(for i in s:int8 l:nodes set:packed z:large h:packed st:plain; do echo "COPY $i deadline:$i"; echo "PEXPIREAT deadline:$i $far"; done)
SELECT 3
SET another-database 1
HSET h:there f v
SELECT 0
END
    [[ $with != *consumers* ]] || cat <<END
XREADGROUP GROUP g alice COUNT 12 STREAMS st:blocks >
XREADGROUP GROUP g bob COUNT 3 STREAMS st:blocks >
XACK st:blocks g 1-1 4-1
XCLAIM st:blocks g bob 0 5-1 TIME 1700000000000 RETRYCOUNT 9
XGROUP CREATECONSUMER st:blocks g idle
END
    [[ $with != *gone* ]] || echo XDEL st:blocks 7-1
    [[ $with != *timed* ]] || cat <<END
HSET h:timed f 1 g 2 h 3
HPEXPIREAT h:timed $far FIELDS 1 g
HPEXPIREAT h:timed 4102444900000 FIELDS 1 f
HSET h:timed-large $(repeat 40 "f%d v%d")
HPEXPIREAT h:timed-large $far FIELDS 2 f1 f2
HPEXPIREAT h:timed-large 4102444900000 FIELDS 1 f3
END
    [[ $with != *producers* ]] || cat <<END
XADD st:producers IDMP p1 one * f v
XADD st:producers IDMP p1 one * f v
XADD st:producers IDMP 77 12345 * f w
XADD st:producers IDMPAUTO p2 * f x
XADD st:producers IDMPAUTO p2 * f x
$(for i in $(seq 20); do echo "XADD st:capped IDMP p1 $i MAXLEN 5 * f $i"; done)
XADD st:configured 1-1 f v
XCFGSET st:configured IDMP-DURATION 90 IDMP-MAXSIZE 5000
END
}

# What redis-cli says of each element, one a line, quoted.
elements() { redis-cli --no-raw "$@" | sed 's/^ *[0-9]*) //'; }

# Of XINFO STREAM FULL: not how the log lies in memory, nor what the fourth argument names.
stream() {
    redis-cli -p "$1" -n "$2" xinfo stream "$3" full count 0 | awk -v skip="$4" '
        BEGIN {
            n = split("radix-tree-keys radix-tree-nodes " skip, s)
            for (i = 1; i <= n; i++) skipped[s[i]] = 1
        }
        left_out { left_out = 0; next }
        $0 in skipped { left_out = 1; next }
        { print }'
}

# describe PORT SKIP: everything it holds, as text.
describe() {
    local port=$1 skip=$2 db key type fields
    for db in 0 3; do
        redis-cli -p "$port" -n "$db" --scan | sort | while read -r key; do
            type=$(redis-cli -p "$port" -n "$db" type "$key")
            echo "== $db $key $type $(redis-cli -p "$port" -n "$db" pexpiretime "$key")"
            case $type in
            string) elements -p "$port" -n "$db" get "$key" ;;
            list) elements -p "$port" -n "$db" lrange "$key" 0 -1 ;;
            set) elements -p "$port" -n "$db" smembers "$key" | sort ;;
            # Servers differ in how many digits they show.
            zset)
                elements -p "$port" -n "$db" zrange "$key" 0 -1 withscores | awk 'NR % 2 { print; next }
                    { gsub("\"", ""); print /inf/ ? $0 : sprintf("%.17g", $0) }'
                ;;
            hash)
                elements -p "$port" -n "$db" hgetall "$key" | paste - - | sort
                if [[ $key = h:timed* ]]; then
                    mapfile -t fields < <(redis-cli -p "$port" -n "$db" hkeys "$key")
                    redis-cli -p "$port" -n "$db" hpexpiretime "$key" fields "${#fields[@]}" "${fields[@]}" |
                        paste <(printf '%s\n' "${fields[@]}") - | sort
                fi
                ;;
            stream) stream "$port" "$db" "$key" "$skip" ;;
            *) echo "no such type is compared" ;;
            esac
        done
    done
}

# fill PORT WITH
fill() {
    local replies=$work/replies
    commands "$2" >"$work/commands"
    redis-cli -p "$1" <"$work/commands" >"$replies"
    if grep -nE '^(ERR|WRONGTYPE|NOGROUP|BUSYGROUP|LOADING)|^\(error\)' "$replies" >&2; then
        echo "port $1 can't be filled" >&2
        exit 1
    fi
}

# Copies every key by its payload.
copy_payloads() {
    local from=$1 to=$2 db key ttl
    for db in 0 3; do
        redis-cli -p "$from" -n "$db" --scan | while read -r key; do
            ttl=$(redis-cli -p "$from" -n "$db" pexpiretime "$key")
            redis-cli -p "$from" -n "$db" dump "$key" | head -c -1 >"$work/payload"
            [ "$(redis-cli -p "$to" -n "$db" -X payload restore "$key" "${ttl/#-1/0}" payload absttl <"$work/payload")" = OK ] ||
                echo "payload of $key refused" >&2
        done
    done
}

# exchange HOW FROM TO NAME: what FROM writes, TO reads.
exchange() {
    local how=$1 from=$2 to=$3 name=$4 with= skip= unknown= older=no
    local of_producers="idmp-duration idmp-maxsize pids-tracked iids-tracked iids-added iids-duplicates"
    local a=$work/from b=$work/to at=$first_port parameters=()
    local there=$((at + 1))
    rm -rf "$a" "$b"
    mkdir "$a" "$b"
    case $how in rdb* | dump) ;; *) parameters=(--appendonly yes) ;; esac
    [ "$how" != aof-commands ] || parameters+=(--aof-use-rdb-preamble no)
    start "$at" "$from" "$a" "${parameters[@]}" || { tail "$a/log" >&2; exit 1; }
    start "$there" "$to" "$b" || { tail "$b/log" >&2; exit 1; }
    # Since 7.2 it is known when a consumer was active: so long as there are any, files are of version 11, and their streams' payloads.
    is_older "$there" && ! is_older "$at" && older=yes
    if [ "$older" = yes ] || is_older "$at"; then skip=active-time; fi
    case "$how $older" in "rdb yes" | "aof-base yes" | "dump yes") ;; *) with+=" consumers" ;; esac
    # An entry that is gone but pending can't be claimed, so commands can't say it.
    [[ $with != *consumers* || $how = aof-commands ]] || with+=" gone"
    if knows "$at" hpexpiretime && knows "$there" hpexpiretime; then
        # Valkey can't read the types of RDB with which Redis says it, but the commands.
        if [[ $how = aof || $how = aof-commands ]] || ! is_valkey "$there" || is_valkey "$at"; then with+=" timed"; fi
    fi
    # Whoever doesn't know the commands can't load them, nor the type of RDB.
    if knows "$at" xcfgset && knows "$there" xcfgset; then with+=" producers"; else unknown=" $of_producers"; fi
    [ "$how" != rdb-plain ] || with=
    fill "$at" "$with"
    case $how in
    rdb*) [ "$(redis-cli -p "$at" save)" = OK ] ;;
    aof-base | aof-commands) rewrite "$at" ;;
    # Commands don't say when a consumer was seen: whoever loads them sees it then.
    aof) skip="seen-time active-time" ;;
    esac
    # Nor do they say how often an entry came again.
    [ "$how" != aof-commands ] || skip="seen-time active-time iids-duplicates"
    # Redis's say nothing of entries that were trimmed.
    [[ $how != aof-commands || $from = "$refrain" ]] || skip+=" iids-tracked iids-added"
    skip+=$unknown
    describe "$at" "$skip" >"$work/held"
    if [ "$how" = dump ]; then
        copy_payloads "$at" "$there"
        stop "$at"
    else
        stop "$there"
        # What is appended is on the disk when the server has ended in order.
        stop "$at"
        if [[ $how = rdb* ]]; then cp "$a/dump.rdb" "$b/"; else cp -r "$a/appendonlydir" "$b/"; fi
        if ! start "$there" "$to" "$b" "${parameters[@]}"; then
            echo "FAILED: $name $how: what was written is not loaded" >&2
            tail -5 "$b/log" >&2
            failed=1
            stop "$there"
            return
        fi
    fi
    describe "$there" "$skip" >"$work/got"
    stop "$there"
    compared=$((compared + 1))
    if diff "$work/held" "$work/got" >"$work/difference"; then
        [[ $how != rdb* ]] || with+=" ($(head -c 9 "$a/dump.rdb"))"
        echo "ok: $name $how: $(grep -c '^== ' "$work/held") keys;$with"
    else
        echo "FAILED: $name $how: held < > got" >&2
        head -20 "$work/difference" >&2
        failed=1
    fi
}

# What a rewrite of the append-only file has begun with is there.
rewrite() {
    redis-cli -p "$1" bgrewriteaof >/dev/null
    until [ "$(redis-cli -p "$1" info persistence | tr -d '\r' | grep -cE '^aof_rewrite_(in_progress|scheduled):0$')" = 2 ]; do sleep 0.1; done
}

# libraries HOW PEER: libraries of functions that PEER has written, after REFRAIN has read and written them.
libraries() {
    local how=$1 peer=$2 at=$first_port dir=$work/libraries parameters=() server name
    rm -rf "$dir"
    mkdir "$dir"
    [ "$how" = rdb ] || parameters=(--appendonly yes)
    [ "$how" != aof-commands ] || parameters+=(--aof-use-rdb-preamble no)
    start "$at" "$peer" "$dir" "${parameters[@]}" || { tail "$dir/log" >&2; exit 1; }
    for name in one two; do
        redis-cli -p "$at" function load "#!lua name=$name
redis.register_function('call_$name', function() return '$name' end)" >/dev/null
    done
    redis-cli -p "$at" set key value >/dev/null
    redis-cli -p "$at" function list withcode | sort >"$work/held"
    for server in "$peer" "$refrain" "$peer"; do
        if [ "$server" = "$refrain" ] || [ -z "${pids[$at]:-}" ]; then
            start "$at" "$server" "$dir" "${parameters[@]}" || { echo "FAILED: libraries, $how" >&2; tail -5 "$dir/log" >&2; failed=1; return; }
        fi
        case "$how $server" in
        rdb*) redis-cli -p "$at" save >/dev/null ;;
        # As it was written, command by command.
        "aof $peer") ;;
        *) rewrite "$at" ;;
        esac
        [ "$server" != "$refrain" ] || [ "$(redis-cli -p "$at" info memory | tr -d '\r' | sed -n 's/^number_of_libraries://p')" = 2 ] || failed=1
        redis-cli -p "$at" function list withcode 2>/dev/null | sort >"$work/got"
        [ "$(redis-cli -p "$at" get key)" = value ] || failed=1
        stop "$at"
    done
    compared=$((compared + 1))
    if diff "$work/held" "$work/got" >"$work/difference"; then
        echo "ok: libraries of $(basename "$peer") through refrain, $how"
    else
        echo "FAILED: libraries of $(basename "$peer") through refrain, $how: held < > got" >&2
        head -20 "$work/difference" >&2
        failed=1
    fi
}

for peer in "$@"; do
    for how in rdb aof aof-base aof-commands; do libraries "$how" "$peer"; done
    for how in rdb rdb-plain aof aof-base aof-commands dump; do
        exchange "$how" "$refrain" "$peer" "refrain -> $(basename "$peer")"
        exchange "$how" "$peer" "$refrain" "$(basename "$peer") -> refrain"
    done
done
[ "$compared" -gt 0 ] && exit "$failed"
