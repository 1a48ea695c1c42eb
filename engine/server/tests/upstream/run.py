#!/usr/bin/env python3
"""Other people's test suites against refrain-server, and the file that names every test that does not pass.

usage: run.py tcl      TOOLS SUITE  SERVER [UNIT ...]      Redis's own Tcl suite, external mode (SUITE: a source tree)
       run.py spawned  TOOLS SUITE  SERVER [UNIT ...]      the same suite, which starts and ends the servers itself
       run.py redis-py TOOLS SOURCE SERVER [PYTHON]        redis-py's suite, RESP2 and RESP3
       run.py ioredis  TOOLS SOURCE SERVER                 ioredis's suite (SOURCE after `npm install`)

  TOOLS    the folder with run_tcl_external.sh, run_tcl_spawn.sh and clients/at6379.sh, which start the suites; the sources of the
           suites are fetched beside the project and are no part of it
  --record write the file anew: a failure that says "unknown command" names its feature by itself, one that was listed keeps
           its reason, and any other gets the reason "?", which counts as unexpected

Each suite has a file beside this program (tcl.tsv, spawned.tsv, redis-py.tsv, ioredis.tsv): where, which test, and which feature that
does not exist yet it needs; a reason that begins with "design: " says what is meant to be otherwise here. A feature that begins with "skip: " is that of a test which would wait for ever or harm those after it:
it is not run (not for redis-py). The run fails for a test that fails and is not listed, and for one that is listed and passes: the
files can only shrink.
"""
import argparse, glob, json, os, re, shlex, shutil, socket, subprocess, sys, tempfile, time
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
UNITS = """unit/type/string unit/type/incr unit/keyspace unit/scan unit/expire unit/multi unit/pubsub unit/pubsubshard
unit/tracking unit/acl unit/acl-v2 unit/auth unit/querybuf unit/protocol unit/info unit/info-command unit/introspection
unit/introspection-2 unit/slowlog unit/latency-monitor unit/quit unit/obuf-limits unit/client-eviction unit/limits
unit/other unit/type/list unit/type/list-2 unit/type/list-3 unit/type/set unit/type/zset unit/type/hash unit/type/stream
unit/type/stream-cgroups unit/bitops unit/bitfield unit/geo unit/hyperloglog unit/sort unit/dump""".split()
# What concerns files, which the external mode leaves out: their tests start servers over them.
SPAWNED_UNITS = """integration/aof integration/aof-multi-part integration/aof-race integration/rdb
integration/convert-zipmap-hash-on-load integration/convert-ziplist-hash-on-load integration/convert-ziplist-zset-on-load
integration/corrupt-dump integration/corrupt-dump-fuzzer integration/logging unit/aofrw unit/other""".split()
OPTIONS = ["--enable-debug-command", "yes", "--enable-protected-configs", "yes", "--enable-module-command", "yes"]

# The feature that an unknown command belongs to, by the beginning of its name. The first match counts.
FEATURES = [
    (r"(bl|br|bz)", "blocking commands"), (r"(function|fcall|eval|script)", "scripts and functions"),
    (r"(bit|setbit|getbit)", "bitmaps"), (r"pf", "HyperLogLog"), (r"geo", "geo"), (r"sort", "SORT"),
    (r"(cluster|asking|readonly|readwrite|migrate)", "cluster"), (r"(save|bgsave|bgrewriteaof|lastsave)", "persistence"),
    (r"(replicaof|slaveof|psync|sync|replconf|failover|role|wait)", "replication"), (r"module", "modules"),
    (r"sentinel", "sentinel"), (r"(ft|json|ts|bf|cf|cms|topk|tdigest|graph|vadd|vsim)\b", "modules"),
    (r"(l|r)(push|pop|range|len|index|insert|rem|set|trim|move|mpop|pos)", "lists"), (r"h", "hashes"), (r"z", "sorted sets"),
    (r"x", "streams"), (r"s", "sets"),
]


def feature_of(message):
    """Names the missing feature when the failure is an unknown command, else None."""
    found = re.search(r"unknown command[ :]*['\"`]([A-Za-z._|-]+)", message)
    name = found.group(1).lower() if found else ""
    return next((feature for pattern, feature in FEATURES if name and re.match(pattern, name)), None)


class Server:
    """refrain-server in a folder of its own, on a free port."""

    def __init__(self, binary):
        self.folder = tempfile.mkdtemp(prefix="upstream.")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = open(os.path.join(self.folder, "log"), "wb")
        arguments = [os.path.abspath(binary), "--port", str(self.port), "--bind", "127.0.0.1", *OPTIONS]
        self.process = subprocess.Popen(arguments, cwd=self.folder, stdout=self.log, stderr=self.log)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        sys.exit("the server does not answer; its log is " + self.log.name)

    def stop(self):
        """Ends the server; says whether it was still there."""
        lived = self.process.poll() is None
        self.process.terminate()
        self.process.wait(20)
        return lived


def copy_of_suite(args):
    """The suite in a folder of its own, whose tests may be changed."""
    suite = tempfile.mkdtemp(prefix="suite.")
    for name in os.listdir(args.source):
        if name != "tests":
            os.symlink(os.path.join(os.path.abspath(args.source), name), os.path.join(suite, name))
    shutil.copytree(os.path.join(args.source, "tests"), os.path.join(suite, "tests"), symlinks=True)
    return suite


def change(suite, name, pattern, replacement):
    """Replaces text in a file of the suite; it must be there."""
    path = os.path.join(suite, "tests", name)
    text, count = re.subn(pattern, lambda _: replacement, open(path).read())
    assert count > 0, "%s has changed: there is no %s" % (name, pattern)
    open(path, "w").write(text)


def until(condition):
    """Tcl that waits until a condition is true, or fails."""
    return "            wait_for_condition 1000 10 {%s} else {fail {never: %s}}\n" % (condition, condition)


def outcome_of(logs, units):
    """Failures of units, by their logs: (unit, test) -> message, and how many tests passed. A unit that ends early is a failure of the test
    `(unit)`; one between tests is named by its message."""
    failures, passed = {}, 0
    for unit in units:
        log = open(os.path.join(logs, unit.replace("/", "_") + ".log"), errors="replace").read()
        log = re.sub(r"\x1b\[[0-9;]*m", "", log)
        passed += len(re.findall(r"(?m)^\[ok\]: ", log))
        blocks = re.split(r"(?m)^(?=\[[a-z]+\]: )", log)
        for i, block in enumerate(blocks):
            first, _, rest = block.partition("\n")
            failed = re.match(r"\[err\]: (.*) in tests/\S+$", first)
            if failed:
                failures[unit, failed.group(1)] = rest
            elif block.startswith("[err]: "):
                # The test around it, if there is one, says that it failed right behind.
                behind = blocks[i + 1].split("\n", 1)[0] if i + 1 < len(blocks) else ""
                if not re.match(r"\[err\]: .* in tests/\S+$", behind):
                    failures[unit, "(between tests) " + first.removeprefix("[err]: ")[:80]] = rest
            elif block.startswith(("[exception]", "[timeout]")):
                failures[unit, "(unit)"] = block
        if "The End" not in log and (unit, "(unit)") not in failures:
            failures[unit, "(unit)"] = log[-600:]
    print("logs:", logs)
    return failures, passed


def tcl(args, server, listed):
    """Failures of the Tcl suite: (unit, test) -> message."""
    suite = copy_of_suite(args)
    # The suite cleans up functions before every test file. Without functions there is nothing to clean.
    change(suite, "support/server.tcl", r"(?m)^ *r function flush$", "catch {r function flush}")
    logs = tempfile.mkdtemp(prefix="tcl.")
    skipped = os.path.join(logs, "skipped")
    with open(skipped, "w") as out:
        out.write(open(os.path.join(args.tools, "skip_external.txt")).read())
        out.writelines(test + "\n" for (_, test), reason in listed.items() if reason.startswith("skip: "))
    environment = dict(os.environ, OUT=logs, SKIPTESTS=skipped)
    runner = os.path.join(args.tools, "run_tcl_external.sh")
    units = args.rest or UNITS
    subprocess.run([runner, suite, "127.0.0.1", str(server.port), *units], env=environment)
    shutil.rmtree(suite)
    return outcome_of(logs, units)


def spawned(args, server, listed):
    """Failures of the Tcl suite that starts the servers itself: (unit, test) -> message."""
    suite = copy_of_suite(args)
    # What another process does there a task does here, so there is no child to be killed: it is made to fail, and something else is
    # killed in its place.
    stop = """proc get_child_pid {idx} {
    [srv $idx client] debug stop-snapshot
    return [exec sleep 100 &]
}
"""
    change(suite, "support/util.tcl", r"(?ms)^proc get_child_pid .*?^}\n", stop)
    # Manifests are replaced by a task, too, which the suite does not wait for.
    multi_part = "integration/aof-multi-part.tcl"
    no_gc = "r config set aof-disable-auto-gc no\n"
    change(suite, multi_part, no_gc, no_gc + until("![string match {* type h*} [exec cat $aof_manifest_file]]"))
    # A test before this one fails, and leaves a snapshot and a rewrite that is to follow it.
    flush = "# server.aof_current_size equal to 0\n *r flushall\n"
    idle = "[s rdb_bgsave_in_progress] + [s aof_rewrite_scheduled] + [s aof_rewrite_in_progress] == 0"
    change(suite, multi_part, flush, "r flushall\n" + until(idle))
    # Tests that fail between slowing snapshots down and letting them go again would have the next wait for ever.
    for what in ("waitForBgsave", "waitForBgrewriteaof"):
        begin = "proc %s r {\n    " % what
        bound = "if {[clock seconds] > $end} {error {%s waits for too long}}" % what
        change(suite, "support/util.tcl", re.escape(begin) + "while 1 {",
               begin + "set end [expr {[clock seconds] + 60}]\n    while 1 {\n        " + bound)
    logs, programs = tempfile.mkdtemp(prefix="tcl."), tempfile.mkdtemp(prefix="programs.")
    for name in ("check-rdb", "check-aof"):
        os.symlink(os.path.join(os.path.dirname(args.server), "refrain-" + name), os.path.join(programs, "redis-" + name))
    skipped = os.path.join(logs, "skipped")
    with open(skipped, "w") as out:
        out.writelines(test + "\n" for (_, test), reason in listed.items() if reason.startswith("skip: "))
    environment = {"UNIT_TIMEOUT": "250", "JOBS": "1", **os.environ, "OUT": logs, "TOOLS": programs, "TCL_FLAGS": "--skipfile " + skipped}
    units = args.rest or SPAWNED_UNITS
    subprocess.run([os.path.join(args.tools, "run_tcl_spawn.sh"), suite, args.server, *units], env=environment)
    for folder in (suite, programs):
        shutil.rmtree(folder)
    return outcome_of(logs, units)


def redis_py(args, server, listed):
    """Failures of redis-py's suite: (protocol, test) -> message."""
    python = args.rest[0] if args.rest else sys.executable
    failures, passed = {}, 0
    for protocol in ("2", "3"):
        report = os.path.join(server.folder, "redis-py-%s.xml" % protocol)
        ignored = []
        for module in "bloom graph json search timeseries cluster ssl graph_utils".split():
            ignored += ["--ignore-glob", "*test_%s*" % module]
        marks = "not onlycluster and not redismod and not ssl and not replica and not experimental"
        command = [os.path.join(args.tools, "clients", "at6379.sh"), "127.0.0.1", str(server.port), python, "-m", "pytest", "tests",
                   "-q", "--tb=native", "-p", "no:cacheprovider", "--timeout", "30", "-W", "ignore", "--protocol", protocol, "--redis-url",
                   "redis://localhost:6379/0", *ignored, "-m", marks, "--junitxml", report]
        subprocess.run(command, cwd=args.source, stdout=subprocess.DEVNULL, timeout=1800)
        for case in ElementTree.parse(report).iter("testcase"):
            wrong = [child for child in case if child.tag in ("failure", "error")]
            if wrong:
                text = " ".join((w.get("message") or "") + "\n" + (w.text or "") for w in wrong)
                failures["resp" + protocol, case.get("classname") + "::" + case.get("name")] = text
            elif not any(child.tag == "skipped" for child in case):
                passed += 1
    return failures, passed


def ioredis(args, server, listed):
    """Failures of ioredis's suite: (file, test) -> message. A file at a time: one whose hook fails ends mocha's whole run."""
    skipped = [re.escape(test) for (_, test), reason in listed.items() if reason.startswith("skip: ")]
    leave_out = ["--grep", "^(%s)$" % "|".join(skipped), "--invert"] if skipped else []
    files = sorted(glob.glob("test/unit/**/*.ts", root_dir=args.source, recursive=True)
                   + glob.glob("test/functional/**/*.ts", root_dir=args.source, recursive=True))
    script = 'for f in "$@"; do npx mocha --reporter json --reporter-options "output=$OUT/${f//\\//_}.json" "${LEAVE_OUT[@]}" ' \
             '"test/helpers/*.ts" "$f"; done'
    script = "LEAVE_OUT=(%s)\n%s" % (" ".join(shlex.quote(word) for word in leave_out), script)
    command = [os.path.join(args.tools, "clients", "at6379.sh"), "127.0.0.1", str(server.port), "bash", "-c", script, "-", *files]
    environment = dict(os.environ, TS_NODE_TRANSPILE_ONLY="true", NODE_ENV="test", OUT=server.folder)
    subprocess.run(command, cwd=args.source, env=environment, stdout=subprocess.DEVNULL, timeout=1800)
    failures, passed = {}, 0
    for name in files:
        report = os.path.join(server.folder, name.replace("/", "_") + ".json")
        if not os.path.exists(report):
            failures[name, "(file)"] = "mocha left no report"
            continue
        result = json.load(open(report))
        passed += len(result["passes"])
        for test in result["failures"]:
            failures[name, test["fullTitle"]] = test["err"].get("message", "") + "\n" + test["err"].get("stack", "")
    return failures, passed


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("suite", choices=["tcl", "spawned", "redis-py", "ioredis"])
    for name in ("tools", "source", "server"):
        parser.add_argument(name, type=os.path.abspath)
    parser.add_argument("rest", nargs="*")
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    path = os.path.join(HERE, args.suite + ".tsv")
    lines = [line.rstrip("\n") for line in open(path)] if os.path.exists(path) else []
    header = [line for line in lines if line.startswith("#")]
    listed = {tuple(fields[:2]): fields[2] for fields in (line.split("\t") for line in lines if line and not line.startswith("#"))}
    suites = {"tcl": tcl, "spawned": spawned, "redis-py": redis_py, "ioredis": ioredis}
    server = Server(args.server) if args.suite != "spawned" else None
    lived = True
    try:
        failures, passed = suites[args.suite](args, server, listed)
    finally:
        if server:
            lived = server.stop()
    failures = {(place, re.sub(r"\s+", " ", test)): message for (place, test), message in failures.items()}
    units = {"tcl": UNITS, "spawned": SPAWNED_UNITS}.get(args.suite)
    ran = set(args.rest or units) if units else None
    if args.record:
        kept = {key: reason for key, reason in listed.items()
                if ran is not None and key[0] not in ran or reason.startswith("skip: ")}
        for key, message in failures.items():
            kept[key] = feature_of(message) or listed.get(key, "?")
        with open(path, "w") as out:
            out.writelines(line + "\n" for line in header)
            out.writelines("\t".join((*key, reason)) + "\n" for key, reason in sorted(kept.items()))
        listed = kept
    expected = {key: reason for key, reason in listed.items() if ran is None or key[0] in ran}
    unexpected = [key for key in failures if expected.get(key, "?") == "?"]
    for key in unexpected:
        excerpt = "\n".join("    " + line[:160] for line in failures[key].strip().split("\n")[:6])
        print("FAILS  %s: %s\n%s" % (*key, excerpt))
    surprising = [key for key, reason in expected.items() if key not in failures and not reason.startswith("skip: ")]
    for key in surprising:
        print("PASSES %s: %s (listed: %s)" % (*key, expected[key]))
    if not lived:
        print("THE SERVER DIED: " + server.log.name)
    print("%d passed, %d failed, of which %d need a feature that is listed, %d do not; %d listed ones pass"
          % (passed, len(failures), len(failures) - len(unexpected), len(unexpected), len(surprising)))
    sys.exit(1 if unexpected or surprising or not lived else 0)


main()
