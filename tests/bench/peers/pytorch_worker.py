#!/usr/bin/env python3
"""pytorch_worker.py: PyTorch in the peer bench: DnCNN-17 forward, the training step and an epoch; JSON lines in and out."""

import json
import os
import sys
import time

import numpy
import torch


BATCH = 250


class DnCNN(torch.nn.Module):
    """Convolutions without biases, ReLU between them; the output is the picture without what they find."""

    def __init__(self, weights):
        super().__init__()
        layers = []
        for weight in weights:
            out, into = weight.shape[:2]
            layers += [torch.nn.Conv2d(into, out, 3, padding=1, bias=False), torch.nn.ReLU(inplace=True)]
            layers[-2].weight.data = torch.from_numpy(weight.copy())
        self.layers = torch.nn.Sequential(*layers[:-1])

    def forward(self, noisy):
        return noisy - self.layers(noisy)


class Autoencoder(torch.nn.Module):
    """Dense layers with tanh but for the code and the output, which comes before its sigmoid."""

    def __init__(self, arrays):
        super().__init__()
        weights, biases = arrays[::2], arrays[1::2]
        layers = []
        for i, (weight, bias) in enumerate(zip(weights, biases)):
            layers.append(torch.nn.Linear(weight.shape[1], weight.shape[0]))
            layers[-1].weight.data, layers[-1].bias.data = torch.from_numpy(weight.copy()), torch.from_numpy(bias.copy())
            if i + 1 not in (len(weights) // 2, len(weights)):
                layers.append(torch.nn.Tanh())
        self.layers = torch.nn.Sequential(*layers)

    def forward(self, rows):
        return self.layers(rows)


def has_reference_blas():
    """Debian's PyTorch multiplies matrices with whatever libblas.so.3 is; the reference one is far too slow for a comparison."""
    with open("/proc/self/maps") as maps:
        libraries = {os.path.realpath(line.split()[-1]) for line in maps if "blas" in line}
    return bool(libraries) and not any("openblas" in library or "atlas" in library for library in libraries)


class Worker:
    def load(self, request):
        torch.set_num_threads(request["threads"])
        arrays = numpy.load(os.path.splitext(request["model"])[0] + ".npz")
        self.epoch = request["kind"] == "epoch"
        if self.epoch and has_reference_blas():
            raise RuntimeError("it multiplies matrices with the reference BLAS here; apt-get install libopenblas0-pthread")
        self.model = (Autoencoder if self.epoch else DnCNN)([arrays[f"arr_{i}"] for i in range(len(arrays.files))])
        self.inputs = [torch.from_numpy(numpy.load(file)) for file in request["inputs"]]
        self.training = request["kind"] == "training"
        self.outputs = []
        if self.training or self.epoch:
            self.optimiser = torch.optim.Adam(self.model.parameters(), lr=1e-4, betas=(0.9, 0.999))
        else:
            self.model.eval()
        self.run()
        return {"version": f"PyTorch {torch.__version__}"}

    def step(self, loss):
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.outputs.append(loss.detach().reshape(1))

    def run(self):
        if self.training:
            self.step(torch.nn.functional.mse_loss(self.model(self.inputs[0]), self.inputs[1]))
            return
        if self.epoch:
            for rows in self.inputs[0].split(BATCH):
                losses = torch.nn.functional.binary_cross_entropy_with_logits(self.model(rows), rows, reduction="sum")
                self.step(losses / len(rows))
            return
        with torch.inference_mode():
            self.outputs = [self.model(self.inputs[0][i:i + 1]) for i in range(len(self.inputs[0]))]

    def round(self, _):
        start = time.perf_counter()
        self.run()
        return {"seconds": time.perf_counter() - start}

    def save(self, request):
        numpy.save(request["output"], torch.cat(self.outputs).numpy())
        return {"ok": True}


def main():
    worker = Worker()
    for line in sys.stdin:
        try:
            request = json.loads(line)
            answer = getattr(worker, request["do"])(request)
        except Exception as failure:  # whatever it is belongs into the table
            answer = {"error": f"{type(failure).__name__}: {failure}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
