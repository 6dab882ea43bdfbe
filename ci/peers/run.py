"""Times clxent and its peers in turn and prints the ratios; ci/peers.sh builds them and starts this.

  run.py build-peers [--rounds 5] [--seconds 0.3] [--only TEXT] [--python PYTHON] [--jemalloc FILE] [--missing TEXT] [--json]

Each peer is a program that stays and answers one line by one line, see peer.h. For each case they are asked one after the
other, round after round, so that a machine whose speed drifts slows all of them alike. A ratio is the median over rounds
of the peer's time over that of clxent in the same round. The exit status is 1 if clxent fails, else 0."""

import argparse
import json
import math
import os
import pathlib
import select
import statistics
import subprocess
import sys

BOTH = ("forward", "forward+backward")
SHAPES = ((1048576, 10, 1), (65536, 10, 1), (16384, 1000, 1), (1024, 50257, 1), (512, 128256, 1), (8, 21, 262144))
CASES = [("cross-entropy", direction, shape) for direction in BOTH for shape in SHAPES] + [
    ("softmax", "forward", (1024, 50257, 1)),
    ("log-softmax", "forward", (1024, 50257, 1)),
    ("binary-cross-entropy-with-logits", "forward+backward", (65536, 1024, 1)),
]
AGREE = 1e-4  # largest relative difference between what two peers computed
SLOW = 1000.0  # ms: who takes longer is asked once
PATIENCE = 120  # seconds for one answer

NOTES = """Where work is not equal:
- clxent is waited for once per pass over the buffers; the others return from each call with its loss.
- clxent gives the same bits every time, checks targets and keeps to infinities and NaN. Plain C is compiled with -Ofast,
  which assumes that there are none, and adds up in no fixed order.
- oneDNN has no loss: its log-softmax is written whole, then gathered at the targets. Its gradient is its log-softmax
  backward, whose one-hot input is made outside the clock; where it has no quick code for that (AVX2), a plain C loop takes
  the exponentials. It has no quick code either for classes that are not the last axis: such a case is timed by one call.
- PyTorch writes the whole log-softmax too, keeps it for the gradient, and takes 64-bit targets. jemalloc gives it back
  memory it has touched before; with its default allocator it would pay for fresh pages in each call."""


class Peer:
    """A program that stays. `who` is what it says of itself; `fault` is why it cannot be asked any more."""

    def __init__(self, name, command, extra=None):
        self.name, self.fault = name, None
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env={**os.environ, **(extra or {})}
        )
        self.who = self.answer()

    def answer(self):
        line = b""
        while not line.endswith(b"\n"):
            ready = select.select([self.process.stdout], [], [], PATIENCE)[0]
            piece = self.process.stdout.read(4096) if ready else b""
            if not piece:
                self.fault = "it stopped" if ready else f"no answer in {PATIENCE} s"
                self.process.kill()
                return f"error {self.fault}"
            line += piece
        return line.decode().strip()

    def ask(self, case, seconds):
        """(ms, loss, gradient), or a sentence."""
        op, direction, shape = case
        if self.fault is None:
            try:
                self.process.stdin.write(f"{op} {direction} {' '.join(map(str, shape))} {seconds}\n".encode())
            except BrokenPipeError:
                self.fault = "it stopped"
        text = f"error {self.fault}" if self.fault else self.answer()
        return text[6:] if text.startswith("error ") else tuple(map(float, text.split()))

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def differ(a, b):
    return abs(a - b) > AGREE * max(abs(a), abs(b))


def measure(case, peers, options):
    """For each peer its ms and ratio, or a sentence; and what peers disagree about."""
    rounds, said = [], {}
    for _ in range(options.rounds):
        times = {}
        for peer in peers:
            if peer.name in said and (isinstance(said[peer.name], str) or said[peer.name][0] > SLOW):
                continue
            said[peer.name] = peer.ask(case, options.seconds)
            if not isinstance(said[peer.name], str):
                times[peer.name] = said[peer.name][0]
        rounds.append(times)
    result = {}
    for peer in peers:
        with_it = [times for times in rounds if peer.name in times and "clxent" in times]
        if isinstance(said[peer.name], str) or not with_it:
            result[peer.name] = said[peer.name]
        else:
            ms = statistics.median(times[peer.name] for times in with_it)
            result[peer.name] = (ms, statistics.median(times[peer.name] / times["clxent"] for times in with_it))
    return result, disagreements(said)


def disagreements(said):
    found = []
    for index, what in ((1, "a loss or mean"), (2, "a gradient's sum of magnitudes")):
        for name, answer in said.items():
            if not isinstance(answer, str) and not isinstance(said["clxent"], str):
                if differ(answer[index], said["clxent"][index]):
                    found.append(f"{name} computed {what} of {answer[index]}, clxent {said['clxent'][index]}")
    return found


def fastest(result):
    ratios = {name: value[1] for name, value in result.items() if name != "clxent" and not isinstance(value, str)}
    return min(ratios.items(), key=lambda item: item[1], default=None)


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


class Table:
    """Lines for people."""

    names = {"binary-cross-entropy-with-logits": "binary ce, logits"}
    directions = {"forward": "forward", "forward+backward": "loss, grad"}

    def __init__(self, peers):
        self.columns = [peer.name for peer in peers if peer.name != "clxent"]
        print(f"{'':<42}{'ms':>9}" + "".join(f"{'ms':>12}{'ratio':>7}" for _ in self.columns))
        print(f"{'operation':<18}{'pass':<11}{'shape':<13}{'clxent':>9}", end="")
        print("".join(f"{name:>19}" for name in self.columns) + "  fastest peer")

    def case(self, case, result):
        op, direction, shape = case
        text = "x".join(str(size) for size in shape if size > 1)
        line = f"{self.names.get(op, op):<18}{self.directions[direction]:<11}{text:<13}{result['clxent'][0]:>9.3f}"
        for name in self.columns:
            missing = isinstance(result[name], str)
            line += f"{'-':>12}{'-':>7}" if missing else f"{result[name][0]:>12.3f}{result[name][1]:>7.2f}"
        best = fastest(result)
        print(line + (f"  {best[0]} {best[1]:.2f}" if best else "  -"), flush=True)

    def means(self, means, best):
        line = f"{'geometric mean':<51}"
        for name in self.columns:
            line += f"{means[name]:>19.2f}" if name in means else f"{'-':>19}"
        print(line + (f"  {best:.2f}" if best else ""))

    def remarks(self, lines):
        print("\nratio: a peer's time over clxent's; above 1 clxent is faster.")
        print("\n".join([*lines, NOTES]))


def print_json(case, result):
    op, direction, shape = case
    best = fastest(result)
    for name, value in result.items():
        line = {"op": op, "pass": direction, "dtype": "F32", "shape": [size for size in shape if size > 1], "peer": name}
        if isinstance(value, str):
            line["missing"] = value
        else:
            line |= {"ms": value[0], "ratio": value[1], "fastest": best is not None and best[0] == name}
        print(json.dumps(line), flush=True)


def start(options):
    """clxent, then the peers that are there; and what is not."""
    folder, peers, missing = options.folder, [], list(options.missing)
    commands = [(name, [str(folder / file)], {}) for name, file in
                (("clxent", "clxent_peer"), ("plain C", "loops_peer"), ("oneDNN", "onednn_peer"))
                if (folder / file).exists()]
    if options.python:
        script = str(pathlib.Path(__file__).with_name("torch_peer.py"))
        conf = "background_thread:true,dirty_decay_ms:-1,muzzy_decay_ms:-1"
        extra = {"LD_PRELOAD": options.jemalloc, "MALLOC_CONF": conf} if options.jemalloc else {}
        commands.append(("PyTorch", [options.python, script], extra))
    for name, command, extra in commands:
        peer = Peer(name, command, extra)
        if peer.who.startswith("error ") and name != "clxent":
            missing.append(f"{name}: {peer.who[6:]}")
        else:
            peers.append(peer)
    return peers, missing


def run(peers, missing, options):
    table = None if options.json else Table(peers)
    ratios, best_ratios, remarks, status = {}, [], [f"Missing: {line}" for line in missing], 0
    for case in CASES:
        name = f"{case[0]} {case[1]} {'x'.join(map(str, case[2]))}"
        if options.only not in name:
            continue
        result, found = measure(case, peers, options)
        remarks += [f"NOT THE SAME RESULT, {name}: {line}" for line in found]
        remarks += [f"Missing: {name}, {peer}: {value}" for peer, value in result.items() if isinstance(value, str)]
        if isinstance(result["clxent"], str):
            print(f"{name}: clxent failed: {result['clxent']}", file=sys.stderr)
            status = 1
            continue
        (table.case if table else print_json)(case, result)
        for peer, value in result.items():
            if not isinstance(value, str) and peer != "clxent":
                ratios.setdefault(peer, []).append(value[1])
        if fastest(result):
            best_ratios.append(fastest(result)[1])
    means = {name: geometric_mean(values) for name, values in ratios.items()}
    best = geometric_mean(best_ratios) if best_ratios else None
    if table:
        table.means(means, best)
        table.remarks(remarks)
    else:
        print(json.dumps({"geometric_means": means, "fastest": best, "remarks": remarks}))
    return status


def main():
    parser = argparse.ArgumentParser(description="Times clxent and its peers in turn.")
    parser.add_argument("folder", type=pathlib.Path, help="where ci/peers.sh has built them")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="for each peer in each round")
    parser.add_argument("--only", default="", help="cases with this in `OPERATION PASS NxCxINNER`")
    parser.add_argument("--python", help="a Python that has PyTorch")
    parser.add_argument("--jemalloc", help="its shared library")
    parser.add_argument("--missing", action="append", default=[], help="to be said of a peer that is not there")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    peers, missing = start(options)
    if peers[0].fault or peers[0].who.startswith("error "):
        print(f"clxent: {peers[0].who}", file=sys.stderr)
        return 1
    for peer in peers:
        print(f"{peer.name}: {peer.who}", file=sys.stderr if options.json else sys.stdout)
    if not options.json:
        print(flush=True)
    try:
        return run(peers, missing, options)
    finally:
        for peer in peers:
            peer.close()


if __name__ == "__main__":
    sys.exit(main())
