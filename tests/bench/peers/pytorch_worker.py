#!/usr/bin/env python3
"""pytorch_worker.py: PyTorch in the peer bench: DnCNN-17 forward and the training step; JSON lines in and out."""

import json
import os
import sys
import time

import numpy
import torch


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


class Worker:
    def load(self, request):
        torch.set_num_threads(request["threads"])
        arrays = numpy.load(os.path.splitext(request["model"])[0] + ".npz")
        self.model = DnCNN([arrays[f"arr_{i}"] for i in range(len(arrays.files))])
        self.inputs = [torch.from_numpy(numpy.load(file)) for file in request["inputs"]]
        self.training = request["kind"] == "training"
        self.outputs = []
        if self.training:
            self.optimiser = torch.optim.Adam(self.model.parameters(), lr=1e-4, betas=(0.9, 0.999))
        else:
            self.model.eval()
        self.run()
        return {"version": f"PyTorch {torch.__version__}"}

    def run(self):
        if self.training:
            self.optimiser.zero_grad()
            loss = torch.nn.functional.mse_loss(self.model(self.inputs[0]), self.inputs[1])
            loss.backward()
            self.optimiser.step()
            self.outputs.append(loss.detach().reshape(1))
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
