#!/usr/bin/env python3
"""pytorch_training_step.py: the step of training_bench's dncnn17_gray in PyTorch (python3-torch), for the ratio.

usage: pytorch_training_step.py [THREADS]   (default 2); compare within one sitting on an idle machine
"""

import sys
import time

import torch


def network(depth=17, width=64):
    layers = [torch.nn.Conv2d(1, width, 3, padding=1, bias=False), torch.nn.ReLU()]
    for _ in range(depth - 2):
        layers += [torch.nn.Conv2d(width, width, 3, padding=1, bias=False), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers, torch.nn.Conv2d(width, 1, 3, padding=1, bias=False))


def main():
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    torch.manual_seed(1)
    batch, patch, depth, width = 16, 64, 17, 64
    model = network(depth, width)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.99), weight_decay=0)
    noisy, clean = torch.randn(batch, 1, patch, patch), torch.full((batch, 1, patch, patch), 0.5)

    def step():
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(noisy - model(noisy), clean).backward()
        optimiser.step()

    # 2 per multiply-add; the first convolution has no gradient of its input.
    pixels = batch * patch * patch * 9 * 2
    flop = pixels * (width * 2 + (depth - 2) * width * width * 3 + width * 3)
    step()
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    best = min(seconds)
    speed = f"{best * 1e3:.0f} ms per step, {flop / best * 1e-9:.0f} GFLOP/s"
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads: {speed}")


if __name__ == "__main__":
    main()
