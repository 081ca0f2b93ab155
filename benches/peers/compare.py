"""Compares the exported networks and the training step with ONNX Runtime, PyTorch and candle on the same machine.

The exported networks must answer what ours do, within 1e-4. Then all contenders take turns, round after round, so that whatever
else the machine does hits all alike; the table shows medians over the rounds.

Each contender runs in a process of its own: `worker.py` for PyTorch and ONNX Runtime, which stay and wait for their turns, and
`likeness bench` for ours and for candle. A contender that dies is reported and left out, and the others go on.
"""

import argparse
import json
import os
import pathlib
import statistics
import struct
import subprocess
import sys

import numpy as np
import onnxruntime as ort

TOLERANCE = 1e-4
SECONDS = "1"
TASKS = {
    "forward, batch 1": ("forward", 1),
    "forward, batch 16": ("forward", 16),
    "AdamW step, batch 16": ("step", 16),
}


def read_safetensors(path):
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    start = 8 + length
    return {
        name: np.frombuffer(data[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]], np.float32).reshape(
            entry["shape"]
        )
        for name, entry in header.items()
    }


def compare_outputs(onnx, sample):
    """The largest difference between what both runtimes answer, over the largest value of each output."""
    tensors = read_safetensors(sample)
    net = ort.InferenceSession(str(onnx), providers=["CPUExecutionProvider"])
    names = [output.name for output in net.get_outputs()]
    worst = 0.0
    for name, got in zip(names, net.run(names, {"images": tensors["images"]})):
        expected = tensors[name]
        difference = float(np.abs(got - expected).max() / max(np.abs(expected).max(), 1e-6))
        print(f"{onnx.name:>18}  {name:<11} {str(list(got.shape)):<14} largest relative difference {difference:.1e}")
        worst = max(worst, difference)
    return worst


class Bench:
    """Runs `likeness bench` for a moment and reads its median: milliseconds an image."""

    def __init__(self, program, task, batch, threads, candle):
        self.key = "bone_point.ms" if task == "forward" else "train.images_per_s"
        self.batch = batch
        self.command = [program, "bench", "--json", "--only", self.key, "--batch", str(batch)]
        self.command += ["--threads", str(threads), "--seconds", SECONDS] + (["--candle"] if candle else [])
        # candle's own pool spins beside the networks' threads; its plain operations need it.
        self.environment = dict(os.environ, RAYON_NUM_THREADS=str(threads))
        if not candle:
            self.environment["CANDLE_NUM_THREADS"] = "1"

    def __call__(self):
        result = json.loads(subprocess.run(self.command, check=True, capture_output=True, env=self.environment).stdout)
        value = result[self.key]
        return 1000.0 / value if self.key.endswith("per_s") else value / self.batch

    def close(self):
        pass


class Worker:
    """A `worker.py` that measures whenever it is asked to: milliseconds an image."""

    def __init__(self, library, task, batch, threads, onnx):
        script = pathlib.Path(__file__).with_name("worker.py")
        command = [sys.executable, script, library, task, str(batch), str(threads), str(onnx), SECONDS]
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def __call__(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"ended with {self.process.wait()}")
        return float(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def contenders(program, task, batch, onnx):
    yield "ours, 2 threads", lambda: Bench(program, task, batch, 2, False)
    yield "ours, 1 thread", lambda: Bench(program, task, batch, 1, False)
    yield "candle, 2 threads", lambda: Bench(program, task, batch, 2, True)
    yield "PyTorch channels last, 2 threads", lambda: Worker("torch-channels-last", task, batch, 2, onnx)
    yield "PyTorch, 2 threads", lambda: Worker("torch", task, batch, 2, onnx)
    if task == "forward":
        yield "ONNX Runtime, 2 threads", lambda: Worker("onnxruntime", task, batch, 2, onnx)
        yield "ONNX Runtime, 1 thread", lambda: Worker("onnxruntime", task, batch, 1, onnx)


def measure(program, task, batch, onnx, rounds):
    """Times of each contender that lived, a value a round."""
    running = {name: make() for name, make in contenders(program, task, batch, onnx)}
    times = {name: [] for name in running}
    # The first turn of each is not counted: it loads libraries and weights.
    for turn in range(rounds + 1):
        for name, contender in list(running.items()):
            try:
                value = contender()
            except (RuntimeError, OSError, subprocess.CalledProcessError, ValueError) as error:
                print(f"{name}: {error}", file=sys.stderr)
                del running[name]
                continue
            if turn > 0:
                times[name].append(value)
    for contender in running.values():
        contender.close()
    return {name: values for name, values in times.items() if len(values) == rounds}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--likeness", required=True)
    parser.add_argument("--exports", required=True, type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    folder = arguments.exports
    worst = max(compare_outputs(folder / f"{name}.onnx", folder / f"{name}.sample") for name in ["bone_point", "landmarks"])
    if worst > TOLERANCE:
        sys.exit(f"outputs differ by {worst:.1e}, more than {TOLERANCE:.0e}")

    names = [name for name, _ in contenders("", "forward", 1, "")]
    print(f"\nMilliseconds an image, median of {arguments.rounds} alternating rounds (smallest); {os.cpu_count()} cores.\n")
    print("| | " + " | ".join(names) + " |")
    print("| --- |" + " --- |" * len(names))
    results = {}
    for title, (task, batch) in TASKS.items():
        results[title] = measure(arguments.likeness, task, batch, folder / "bone_point.onnx", arguments.rounds)
        cells = [
            f"{statistics.median(results[title][name]):.2f} ({min(results[title][name]):.2f})" if name in results[title] else "-"
            for name in names
        ]
        print(f"| {title} | " + " | ".join(cells) + " |", flush=True)

    print("\nOurs over the other's time with as many threads, medians: below 1 ours is faster.\n")
    others = [name for name in names if not name.startswith("ours")]
    print("| | " + " | ".join(others) + " |")
    print("| --- |" + " --- |" * len(others))
    for title, times in results.items():
        cells = []
        for name in others:
            ours = "ours, " + name.rsplit(", ", 1)[1]
            known = name in times and ours in times
            cells.append(f"{statistics.median(times[ours]) / statistics.median(times[name]):.2f}" if known else "-")
        print(f"| {title} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
