"""PyTorch, timed as the peers written in C are; peer.h has the protocol. To be started with jemalloc, see README.md."""

import os
import sys
import time

import torch
from torch.nn import functional

WORKING_SET = 192 << 20  # bytes of logits that are gone through in turn, at least
SLOW_CALL = 1.0  # seconds: a call that takes longer is timed once
PIECE = 1 << 22  # elements that are made at a time, so that 64-bit intermediates stay small
LOW = 0xFFFFFFFF


def scramble(position):
    """The same 32 bits from a position as in peer.c: what overflows 64 bits does not reach the lower 32."""
    bits = ((position & LOW) * 2654435761) & LOW
    bits = ((bits ^ (bits >> 15)) * 2246822519) & LOW
    return bits ^ (bits >> 13)


def filled(count, first, scale, shift):
    """A tensor of `count` floats that follow from their positions, which start at `first`."""
    values = torch.empty(count, dtype=torch.float32)
    for start in range(0, count, PIECE):
        end = min(start + PIECE, count)
        bits = scramble(torch.arange(start + first, end + first, dtype=torch.int64)) >> 8
        values[start:end] = bits.to(torch.float32) / scale - shift
    return values


class Case:
    """Data and calls of one line. Logits are (N, C) or (N, C, inner), as many times as fill the working set."""

    def __init__(self, op, direction, n, classes, inner):
        self.op, self.gradient = op, direction == "forward+backward"
        shape = (n, classes) if inner == 1 else (n, classes, inner)
        elements = n * classes * inner
        self.sets = WORKING_SET // (4 * elements) + 1
        logits = filled(elements * self.sets, 0, 1048576.0, 8.0)
        self.logits = [part.view(shape) for part in logits.split(elements)]
        if op == "binary-cross-entropy-with-logits":
            chances = filled(elements * self.sets, 1, 16777216.0, 0.0)
            self.target = [part.view(shape) for part in chances.split(elements)]
        else:
            target = scramble(torch.arange(2, n * inner + 2, dtype=torch.int64)) % classes
            self.target = [target.view((n,) if inner == 1 else (n, inner))] * self.sets
        if self.gradient:
            for part in self.logits:
                part.requires_grad_(True)
        self.function = {
            "cross-entropy": functional.cross_entropy,
            "binary-cross-entropy-with-logits": functional.binary_cross_entropy_with_logits,
            "softmax": lambda x, _: functional.softmax(x, 1),
            "log-softmax": lambda x, _: functional.log_softmax(x, 1),
        }[op]

    def call(self, number):
        """Loss or result, and gradient."""
        logits = self.logits[number]
        if not self.gradient:
            with torch.no_grad():
                return self.function(logits, self.target[number]), None
        loss = self.function(logits, self.target[number])
        return loss, torch.autograd.grad(loss, logits)[0]

    def results(self):
        """What peers are compared by."""
        value, gradient = self.call(0)
        if value.dim() > 0:
            value = value.gather(1, self.target[0].unsqueeze(1)).mean()
        return value.item(), gradient.abs().sum().item() if self.gradient else 0.0

    def time_sets(self):
        began = time.perf_counter()
        for number in range(self.sets):
            self.call(number)
        return (time.perf_counter() - began) / self.sets

    def time_calls(self, seconds):
        end, samples = time.perf_counter() + seconds, []
        while not samples or time.perf_counter() < end:
            samples.append(self.time_sets())
        return sorted(samples)[len(samples) // 2]


def allocator():
    with open("/proc/self/maps", encoding="ascii", errors="replace") as maps:
        return "jemalloc" if "jemalloc" in maps.read() else "the default allocator"


def main():
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    print(f"{torch.__version__} with {allocator()}", flush=True)
    key, case, loss, gradient, took = None, None, 0.0, 0.0, 0.0
    for line in sys.stdin:
        try:
            op, direction, n, classes, inner, seconds = line.split()
            if key != (op, direction, n, classes, inner):
                key = case = None  # frees the data before the next is made
                case = Case(op, direction, int(n), int(classes), int(inner))
                loss, gradient = case.results()
                began = time.perf_counter()  # from the second call on, which finds memory that was touched before
                case.call(0)
                took = time.perf_counter() - began
                key = (op, direction, n, classes, inner)
            median = took
            if took < SLOW_CALL:
                case.time_sets()
                median = case.time_calls(float(seconds))
            print(f"{1e3 * median:.6f} {loss:.9g} {gradient:.9g}", flush=True)
        except (RuntimeError, ValueError, KeyError) as problem:
            key = case = None
            print("error", str(problem).split("\n", maxsplit=1)[0], flush=True)


if __name__ == "__main__":
    main()
