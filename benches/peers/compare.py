"""Compares the exported networks and the training step with ONNX Runtime and PyTorch on the same machine.

Outputs must agree within 1e-4; times are medians of alternating rounds, so that other work on the machine hits all alike.
"""

import argparse
import json
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import time

import numpy as np
import onnxruntime as ort
import torch
from torch import nn

TOLERANCE = 1e-4
WIDTHS = [24, 48, 96, 128]


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


def session(path, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def compare_outputs(onnx, sample):
    """The largest difference between what both runtimes answer, over the largest value of each output."""
    tensors = read_safetensors(sample)
    net = session(onnx, 1)
    names = [output.name for output in net.get_outputs()]
    worst = 0.0
    for name, got in zip(names, net.run(names, {"images": tensors["images"]})):
        expected = tensors[name]
        difference = float(np.abs(got - expected).max() / max(np.abs(expected).max(), 1e-6))
        print(f"{onnx.name:>18}  {name:<11} {str(list(got.shape)):<14} largest relative difference {difference:.1e}")
        worst = max(worst, difference)
    return worst


class Module(nn.Module):
    """One residual module."""

    def __init__(self, cin, cout):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(cin, cout, 3, 2, 1, bias=False), nn.BatchNorm2d(cout)
        self.conv2, self.norm2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False), nn.BatchNorm2d(cout)
        self.shortcut, self.norm3 = nn.Conv2d(cin, cout, 1, 2, bias=False), nn.BatchNorm2d(cout)

    def forward(self, x):
        inner = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(inner)) + self.norm3(self.shortcut(x)))


class BonePoint(nn.Module):
    """The bone-point network and its domain network, as they are trained."""

    def __init__(self, parameters):
        super().__init__()
        self.trunk = nn.Sequential(*[Module(cin, cout) for cin, cout in zip([3] + WIDTHS[:-1], WIDTHS)])
        inputs = 8 * 8 * WIDTHS[-1]
        self.fc1, self.fc2, self.fc3 = nn.Linear(inputs, 256), nn.Linear(256, 192), nn.Linear(192, parameters)
        self.side1, self.side2 = nn.Linear(inputs, 64), nn.Linear(64, 55)
        self.domain = nn.Sequential(nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, x):
        extracted = self.trunk(x).flatten(1)
        features = torch.relu(self.fc1(extracted))
        answer = self.fc3(torch.relu(self.fc2(features)))
        side = self.side2(torch.relu(self.side1(extracted)))
        return answer, side, self.domain(features).squeeze(1)


class Ours:
    """Runs `likeness bench` for a moment and reads its median."""

    def __init__(self, program, key, batch, threads):
        self.command = [program, "bench", "--json", "--only", key, "--batch", str(batch), "--threads", str(threads)]
        self.command += ["--seconds", "1"]
        self.key, self.batch = key, batch

    def __call__(self):
        environment = dict(os.environ, CANDLE_NUM_THREADS="1")
        result = json.loads(subprocess.run(self.command, check=True, capture_output=True, env=environment).stdout)
        value = result[self.key]["median"]
        return 1000.0 / value if self.key.endswith("per_s") else value / self.batch


class Timed:
    """Calls a function for a moment and gives the median of its times an image."""

    def __init__(self, work, batch, threads=None):
        self.work, self.batch, self.threads = work, batch, threads

    def __call__(self):
        if self.threads:
            torch.set_num_threads(self.threads)
        times, end = [], time.perf_counter() + 1.0
        while time.perf_counter() < end or len(times) < 5:
            start = time.perf_counter()
            self.work()
            times.append(time.perf_counter() - start)
        return 1000.0 * statistics.median(times) / self.batch


def torch_forward(batch, channels_last):
    net = BonePoint(300).eval()
    images = torch.randn(batch, 3, 128, 128)
    if channels_last:
        net, images = net.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)

    @torch.no_grad()
    def work():
        net(images)

    return work


def torch_step(batch, channels_last):
    net = BonePoint(300).train()
    images = torch.randn(batch, 3, 128, 128)
    if channels_last:
        net, images = net.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    truth, side, labels = torch.rand(batch, 300), torch.rand(batch, 55), (torch.arange(batch) % 2).float()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, fused=True)

    def work():
        optimizer.zero_grad(set_to_none=True)
        answer, rest, domain = net(images)
        loss = (answer - truth).square().mean() + (rest - side).square().mean()
        loss = loss + nn.functional.binary_cross_entropy_with_logits(domain, labels)
        loss.backward()
        optimizer.step()

    return work


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--likeness", required=True)
    parser.add_argument("--exports", required=True, type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    folder = arguments.exports
    print(f"PyTorch {torch.__version__}, ONNX Runtime {ort.__version__}, {os.cpu_count()} cores")
    worst = max(compare_outputs(folder / f"{name}.onnx", folder / f"{name}.sample") for name in ["bone_point", "landmarks"])

    rows = []
    for threads in [1, 2]:
        for batch in [1, 16]:
            images = np.random.default_rng(1).standard_normal((batch, 3, 128, 128)).astype(np.float32)
            net = session(folder / "bone_point.onnx", threads)
            contenders = {
                "ours": Ours(arguments.likeness, "bone_point.ms", batch, threads),
                "ONNX Runtime": Timed(lambda net=net, images=images: net.run(None, {"images": images}), batch),
                "PyTorch": Timed(torch_forward(batch, False), batch, threads),
                "PyTorch, channels last": Timed(torch_forward(batch, True), batch, threads),
            }
            rows.append((f"forward, batch {batch}, threads {threads}", contenders))
        contenders = {
            "ours": Ours(arguments.likeness, "train.images_per_s", 16, threads),
            "PyTorch": Timed(torch_step(16, False), 16, threads),
            "PyTorch, channels last": Timed(torch_step(16, True), 16, threads),
        }
        rows.append((f"AdamW step, batch 16, threads {threads}", contenders))

    print("\n| ms an image: median (smallest) | " + " | ".join(["ours", "ONNX Runtime", "PyTorch", "PyTorch, channels last"]) + " | ours / best |")
    print("| --- | --- | --- | --- | --- | --- |")
    for title, contenders in rows:
        times = {name: [] for name in contenders}
        for _ in range(arguments.rounds):
            for name, contender in contenders.items():
                times[name].append(contender())
        medians = {name: statistics.median(values) for name, values in times.items()}
        ratio = medians["ours"] / min(value for name, value in medians.items() if name != "ours")
        cells = [
            f"{medians[name]:.2f} ({min(times[name]):.2f})" if name in times else "-"
            for name in ["ours", "ONNX Runtime", "PyTorch", "PyTorch, channels last"]
        ]
        print(f"| {title} | " + " | ".join(cells) + f" | {ratio:.2f} |", flush=True)
    if worst > TOLERANCE:
        sys.exit(f"outputs differ by {worst:.1e}, more than {TOLERANCE:.0e}")


if __name__ == "__main__":
    main()
