"""Changes clxent in one place at a time and sees whether a test notices; ci/mutate.sh starts this.

  run.py [--kernels 40] [--host 40] [--seed N] [--only TEXT] [--quick] [--workers 2] [--json]

Mutants are drawn at random from all that there are, `--only` of those whose description TEXT, a regular expression, is found in. Each worker has a copy
of the tree and a build of its own. A mutant that does not compile is no mutant and another takes its place. One whose tests
fail, crash or hang is killed ("too late" says that only time told: look whether the machine was busy); one that all pass is a
survivor, and is printed. Survivors that ci/mutate/equivalent.txt explains do not count. The exit status is 1 if fewer than 95 %
of kernel mutants or 85 % of host mutants are killed.

`--quick` is for a few of them in passing: those of the host that tests without a device are for, and kernels by the simulator
alone, so that survivors are to be expected; half of all must be killed."""

import argparse
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import mutants

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "build-mutate"
LEAST = {"kernels": 95, "host": 85}  # per cent killed
QUICK_FILES = re.compile(r"kernels/(?!(linear|product))|host/(reference/|half|geometry|workspace)")
PATIENCE = 900  # seconds for the tests of a mutant

# What looks at a kernel: first the simulator, which compiles a kernel in no time, for its results and bad accesses, then with all
# that ci/test.sh has it look for, which takes it three times as long; then PoCL, which takes other paths (wide vectors, tiles,
# prefetch), by the tests that use the file, all of them where none is named.
SIMULATIONS = [[], ["--data-races", "--uninitialized", "--check-api"]]
LINEAR_TESTS = ["linear_shards", "linear_product", "linear_filter", "linear_cross_entropy", "linear_enqueue"]
SIMULATED_TESTS_OF_FILE = {
    "kernels/linear.cl": LINEAR_TESTS,
    "kernels/product.cl": LINEAR_TESTS,
    "kernels/product_in_groups.cl": LINEAR_TESTS,
    "kernels/product_in_panels.cl": ["linear_cross_entropy"],
}
SIMULATOR_BYTES = 8 << 30  # it keeps what a loop that never ends has written
DEVICE_TESTS = ["row_per_item", "strips", "softmax", "nll_loss", "cross_entropy", "binary_cross_entropy", "probability_targets", "edge_cases",
                "invalid_targets", "invalid_count", "group_memory", "exp", "math", "offsets", "option_pairs", "repeat", "shards"]  # fmt: skip
TESTS_OF_FILE = {
    "kernels/softmax.cl": ["strips", "softmax", "edge_cases"],
    "kernels/nll_loss.cl": ["strips", "nll_loss", "edge_cases", "invalid_targets"],
    "kernels/binary_cross_entropy.cl": ["strips", "binary_cross_entropy", "edge_cases", "option_pairs"],
    "kernels/engine_row_per_item.cl": ["row_per_item", "softmax", "cross_entropy", "edge_cases"],
    "kernels/engine_tiles.cl": ["strips", "invalid_targets", "softmax", "cross_entropy"],
    "kernels/transpose.cl": ["strips", "softmax"],
    "kernels/engine_rows_in_local.cl": ["group_memory"],
    "kernels/group.cl": ["group_memory", "softmax", "cross_entropy", "repeat"],
    "kernels/engine_row_split.cl": ["softmax", "cross_entropy", "repeat"],
    "kernels/shard.cl": ["shards", "linear_shards"],
    "kernels/engine_merge.cl": ["shards"],
    "kernels/linear.cl": LINEAR_TESTS,
    "kernels/product.cl": LINEAR_TESTS,
    "kernels/product_in_groups.cl": ["linear_filter", "linear_cross_entropy"],
    "kernels/product_in_panels.cl": LINEAR_TESTS,
    "kernels/reduce.cl": ["nll_loss", "invalid_count", "cross_entropy", "probability_targets", "option_pairs"],
}

WHOLE = ["row_per_item"]  # of the others a sixth of their lines is run, other ones each time

QUICK_LABELS = ["^unit$", "^api$", "^fault$", "^device$"]  # for mutants of the host

# What no test tells of a mutant of the host, a sanitizer may: in the end the quick tests again, built as ci/test.sh builds them
# for that. (What an injected failure leaves behind in a driver is no leak of ours, so not those.)
SANITIZED_LABELS = ["^unit$", "^api$", "^device$"]
SANITIZED_BUILD = [
    "-DCMAKE_C_COMPILER=clang-14", "-DCLXENT_HARDEN=OFF",
    "-DCMAKE_C_FLAGS=-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer",
]  # fmt: skip
SANITIZERS = {
    "ASAN_OPTIONS": "strict_string_checks=1:detect_stack_use_after_return=1",
    "LSAN_OPTIONS": f"suppressions={ROOT}/ci/lsan.supp:print_suppressions=0",
}

running = set()  # what is to end with this program: a mutant may never end by itself
late = threading.local()  # .is_so: has a command of this thread been ended for taking too long?


def end(*_):
    for process in list(running):
        os.killpg(process.pid, signal.SIGKILL)
    os._exit(1)


def has_content(path):
    return path.exists() and path.stat().st_size > 0


def end_at_finding(process, findings):
    while process.poll() is None:
        if has_content(findings):
            os.killpg(process.pid, signal.SIGKILL)
            return
        time.sleep(0.5)


def run(command, cwd, environment=None, findings=None):
    """Whether a command succeeds, and its output. It is killed, with all it started, when a test in it has failed, when it has
    written something to the file `findings`, or when it takes too long."""
    process = subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **(environment or {})}, text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    running.add(process)
    began, lines = time.monotonic(), []
    clock = threading.Timer(PATIENCE, os.killpg, (process.pid, signal.SIGKILL))
    clock.start()
    if findings is not None:
        threading.Thread(target=end_at_finding, args=(process, findings)).start()
    for line in process.stdout:
        lines.append(line)
        late.is_so = late.is_so or "***Timeout" in line
        if "[  FAILED  ]" in line:
            os.killpg(process.pid, signal.SIGKILL)
            break
    good = process.wait() == 0
    late.is_so = late.is_so or time.monotonic() - began >= PATIENCE
    running.discard(process)
    clock.cancel()
    return good, "".join(lines)


class Worker:
    def __init__(self, number, quick):
        late.is_so = False
        self.quick = quick
        self.tree, self.build, self.sanitized = (OUT / f"{name}-{number}" for name in ("tree", "build", "sanitized"))
        shutil.rmtree(self.tree, ignore_errors=True)
        files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in filter(None, files.split("\0")):
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.tree / name)
        self.configure(self.build)
        if not quick:
            self.configure(self.sanitized, *SANITIZED_BUILD)
        if not self.compiles(["tests/test_simulator", *self.tests_of("^unit$")] if quick else []):
            sys.exit(f"{self.build}: does not build without any mutant")

    def configure(self, build, *options):
        subprocess.run(
            ["cmake", "-G", "Ninja", "-S", self.tree, "-B", build, "-DCMAKE_BUILD_TYPE=Debug", "-DCLXENT_BUILD_TESTS=ON",
             "-DCLXENT_BUILD_EXAMPLES=OFF", *options], check=True, stdout=subprocess.DEVNULL)  # fmt: skip

    def compiles(self, targets=(), build=None):
        return run(["ninja", *targets], build or self.build)[0]

    def simulate(self, names):
        """Whether the simulator is content; None where the kernel does not compile."""
        log = self.build / "simulator.log"
        log.unlink(missing_ok=True)
        for searches, name in itertools.product(SIMULATIONS[:1] if self.quick else SIMULATIONS, names):
            good, output = run(["prlimit", f"--as={SIMULATOR_BYTES}", "oclgrind", *searches, "--build-options", "-cl-opt-disable", "--log", str(log),
                                f"tests/test_{name}"], self.build, {"OCL_ICD_VENDORS": str(OUT / "none")}, log)  # fmt: skip
            if "CL_BUILD_PROGRAM_FAILURE" in output:
                return None
            if not good or has_content(log):
                return False
        return True

    def device_tests(self, names):
        with tempfile.TemporaryDirectory(dir=OUT) as cache:
            return all(self.passes(name, cache) for name in names)

    def passes(self, name, cache):
        """A driver with nothing in its cache has been seen to crash, which is no mutant's doing: a test must fail twice."""
        environment = {"CLXENT_TEST_SHARE": "1" if name in WHOLE else "6", "POCL_CACHE_DIR": cache}
        return any(not late.is_so and run([f"tests/test_{name}"], self.build, environment)[0] for _ in range(2))

    def ctest(self, *choice, build=None):
        return run(["ctest", "--stop-on-failure", "--repeat", "until-pass:2", "--timeout", "300", *choice], build or self.build,
                   {"CLXENT_TEST_SHARE": "12", "CLXENT_RANDOM_CASES": "20", **SANITIZERS})  # fmt: skip

    def tests_of(self, label, build=None):
        """The programs that have it, for ninja."""
        return [f"tests/{name}" for name in re.findall(r"Test +#\d+: (test_\w+)", self.ctest("-N", "-L", label, build=build)[1])]

    def label_tests(self, labels, build=None):
        """True, False or None as in try_mutant, by the tests that have one of these labels."""
        for label in labels:
            if not self.compiles(self.tests_of(label, build), build):
                return None
            if not self.ctest("-L", label, build=build)[0]:
                return False
        return True

    def host_tests(self):
        """The same by all tests: first those that are quick to build and to run."""
        if self.quick:
            return self.label_tests(["^unit$"])
        content = self.label_tests(QUICK_LABELS)
        if content:
            content = self.ctest("-LE", "|".join(["long|slow|simulator|soak", *QUICK_LABELS]))[0] if self.compiles() else None
        return self.label_tests(SANITIZED_LABELS, self.sanitized) if content else content

    def try_mutant(self, mutant):
        """True: it survives; False: killed; None: it is none."""
        path = self.tree / mutant.path
        source = path.read_text()
        try:
            path.write_text(mutant.apply(source))
            if mutant.path.startswith("host/"):
                return self.host_tests()
            simulated = SIMULATED_TESTS_OF_FILE.get(mutant.path, ["simulator"])
            if not self.compiles([f"tests/test_{name}" for name in simulated]):
                return None
            content = self.simulate(simulated)
            if content and not self.quick:
                self.compiles()
                content = self.device_tests(TESTS_OF_FILE.get(mutant.path, DEVICE_TESTS))
            return content
        finally:
            path.write_text(source)


def explanations():
    """Mutants that change nothing, as `PATH: BEFORE -> AFTER: LINE` on one line, with ` #2` behind it for the second of those in
    the file that read so; and why on the lines behind, for one or for several of them."""
    lines = (ROOT / "ci/mutate/equivalent.txt").read_text().splitlines()
    return {line.strip() for line in lines if line and not line[0].isspace() and not line.startswith("#")}


class Campaign:
    def __init__(self, options):
        self.options, self.explained, self.lock = options, explanations(), threading.Lock()
        self.tally = {part: {"killed": 0, "explained": 0, "survivors": []} for part in LEAST}
        rng = random.Random(options.seed)
        self.pools, stale = {}, set(self.explained)
        for part, files in {"kernels": (ROOT / "kernels").glob("*.cl"), "host": (ROOT / "host").rglob("*.c")}.items():
            found = [m for path in sorted(files) for m in mutants.find(ROOT, path.relative_to(ROOT))]
            stale -= {m.describe(m.path) for m in found}
            found = [m for m in found if re.search(options.only, str(m)) and not (options.quick and not QUICK_FILES.match(m.path))]
            rng.shuffle(found)
            self.pools[part] = found
        if stale:
            sys.exit("ci/mutate/equivalent.txt explains what is no mutant (any more):\n" + "\n".join(sorted(stale)))
        self.wanted = {"kernels": options.kernels, "host": options.host}

    def next_mutant(self):
        with self.lock:
            for part, pool in self.pools.items():
                if pool and self.wanted[part] > 0:
                    self.wanted[part] -= 1
                    return part, pool.pop()
            return None, None

    def record(self, part, mutant, survives, seconds):
        with self.lock:
            tally = self.tally[part]
            if survives is None:
                self.wanted[part] += 1
                return
            if not survives:
                tally["killed"] += 1
            elif mutant.describe(mutant.path) in self.explained:
                tally["explained"] += 1
            else:
                tally["survivors"].append(str(mutant))
            verdict = "survives" if survives else "too late" if late.is_so else "killed"
            print(f"{verdict:9} {seconds:4.0f} s  {mutant}", file=sys.stderr, flush=True)

    def work(self, worker):
        while True:
            part, mutant = self.next_mutant()
            if mutant is None:
                return
            start, late.is_so = time.monotonic(), False
            self.record(part, mutant, worker.try_mutant(mutant), time.monotonic() - start)

    def report(self):
        """Prints the closing table; whether enough were killed."""
        tried = {part: tally["killed"] + len(tally["survivors"]) for part, tally in self.tally.items()}
        for part, tally in self.tally.items():
            if self.options.json:
                print(json.dumps({"part": part, "seed": self.options.seed, "tried": tried[part], **tally}))
            elif tried[part] > 0:
                print(f"{part}: {tally['killed']} of {tried[part]} mutants killed ({100 * tally['killed'] / tried[part]:.0f} %), "
                      f"{tally['explained']} equivalent ones, seed {self.options.seed}")  # fmt: skip
                print("".join(f"  survivor {survivor}\n" for survivor in tally["survivors"]), end="")
        if self.options.quick:
            return 2 * sum(tally["killed"] for tally in self.tally.values()) >= sum(tried.values())
        return all(100 * tally["killed"] >= LEAST[part] * tried[part] for part, tally in self.tally.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kernels", type=int, default=40, help="mutants of kernels/")
    parser.add_argument("--host", type=int, default=40, help="mutants of host/")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", default="", help="mutants in whose description this regular expression is found")
    parser.add_argument("--quick", action="store_true", help="by tests that need no device")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    (OUT / "none").mkdir(parents=True, exist_ok=True)
    print(f"seed {options.seed}", file=sys.stderr)
    campaign, threads = Campaign(options), []
    workers = [Worker(number, options.quick) for number in range(options.workers)]
    for worker in workers:
        threads.append(threading.Thread(target=campaign.work, args=(worker,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    sys.exit(0 if campaign.report() else 1)


if __name__ == "__main__":
    main()
