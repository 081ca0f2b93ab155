"""One contender of compare.py: measures for a moment at every line that it reads, and prints milliseconds an image.

usage: worker.py onnxruntime|torch|torch-channels-last forward|step BATCH THREADS ONNX SECONDS
"""

import statistics
import sys
import time

PARAMETERS, SIDE = 300, 55
WIDTHS = [24, 48, 96, 128]


def onnxruntime_forward(batch, threads, onnx):
    import numpy as np
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    net = ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    images = np.random.default_rng(1).standard_normal((batch, 3, 128, 128)).astype(np.float32)
    return lambda: net.run(None, {"images": images})


def torch_network():
    import torch
    from torch import nn

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

        def __init__(self):
            super().__init__()
            self.trunk = nn.Sequential(*[Module(cin, cout) for cin, cout in zip([3] + WIDTHS[:-1], WIDTHS)])
            inputs = 8 * 8 * WIDTHS[-1]
            self.fc1, self.fc2, self.fc3 = nn.Linear(inputs, 256), nn.Linear(256, 192), nn.Linear(192, PARAMETERS)
            self.side1, self.side2 = nn.Linear(inputs, 64), nn.Linear(64, SIDE)
            layers = [nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 1)]
            self.domain = nn.Sequential(*layers)

        def forward(self, x, with_domain):
            extracted = self.trunk(x).flatten(1)
            features = torch.relu(self.fc1(extracted))
            answer = self.fc3(torch.relu(self.fc2(features)))
            side = self.side2(torch.relu(self.side1(extracted)))
            return answer, side, self.domain(features).squeeze(1) if with_domain else None

    return BonePoint()


def torch_forward(batch, threads, channels_last):
    import torch

    torch.set_num_threads(threads)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    net = torch_network().eval().to(memory_format=layout)
    images = torch.randn(batch, 3, 128, 128).to(memory_format=layout)

    @torch.no_grad()
    def work():
        net(images, False)

    return work


def torch_step(batch, threads, channels_last):
    import torch

    torch.set_num_threads(threads)
    net = torch_network().train()
    # PyTorch 2.15 crashes in the weight gradient of a channels-last convolution of three channels whose input needs no gradient;
    # the first module keeps the plain layout, and channels last begins behind it.
    if channels_last:
        net.trunk[1:].to(memory_format=torch.channels_last)
        net.trunk[0].register_forward_hook(lambda _module, _inputs, out: out.to(memory_format=torch.channels_last))
    images = torch.randn(batch, 3, 128, 128)
    truth, rest, labels = torch.rand(batch, PARAMETERS), torch.rand(batch, SIDE), (torch.arange(batch) % 2).float()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, fused=True)

    def work():
        optimizer.zero_grad(set_to_none=True)
        answer, side, domain = net(images, True)
        loss = (answer - truth).square().mean() + (side - rest).square().mean()
        loss = loss + torch.nn.functional.binary_cross_entropy_with_logits(domain, labels)
        loss.backward()
        optimizer.step()

    return work


def main():
    library, task, batch, threads, onnx, seconds = sys.argv[1:]
    batch, threads, seconds = int(batch), int(threads), float(seconds)
    if library == "onnxruntime":
        work = onnxruntime_forward(batch, threads, onnx)
    else:
        work = {"forward": torch_forward, "step": torch_step}[task](batch, threads, library == "torch-channels-last")
    for _ in sys.stdin:
        work()
        times, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end or len(times) < 3:
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        print(1000.0 * statistics.median(times) / batch, flush=True)


if __name__ == "__main__":
    main()
