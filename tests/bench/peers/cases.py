"""cases.py: what the peer bench measures."""

from dataclasses import dataclass, field


@dataclass
class Case:
    name: str
    title: str
    kind: str  # "network", "training", "epoch" or "job"
    model: str = ""  # a file below the models made for the bench, "zoo:NAME", or a path
    height: int = 0
    width: int = 0
    count: int = 1  # pictures, or rows of a matrix
    rounds: int = 5
    engines: list = field(default_factory=lambda: ["latentflow", "ONNX Runtime", "OpenCV DNN", "PyTorch"])
    slow: bool = False  # only run when it is asked for by name or with --all
    quantized: bool = False  # latentflow gets the network with convolutions in 8-bit integers, the others the float one
    quantized_model: str = ""  # that network, where it is not made for the bench
    winograd: str = "auto"  # what latentflow may choose between, as `latentflow model speed --winograd`
    precision: str = "f32"  # of latentflow alone: of an epoch's products
    environment: dict = field(default_factory=dict)  # of latentflow's processes alone; the others run as they are


NO_TORCH = ["latentflow", "ONNX Runtime", "OpenCV DNN"]
ONE_PEER = ["latentflow", "ONNX Runtime"]

CASES = [
    Case("latency", "DnCNN-17, grey, one picture 512x512 on all threads", "network", "dncnn17.onnx", 512, 512, 1, 5),
    Case("throughput", "DnCNN-17, grey, 8 pictures 512x512", "network", "dncnn17.onnx", 512, 512, 8, 3),
    Case("int8", "DnCNN-17, grey, 8 pictures 512x512; latentflow in 8-bit integers, the others in float", "network", "dncnn17.onnx",
         512, 512, 8, 3, NO_TORCH, quantized=True),
    Case("own_winograd", "DnCNN-17, grey, 8 pictures 512x512; latentflow without oneDNN's Winograd", "network", "dncnn17.onnx", 512,
         512, 8, 3, ONE_PEER, winograd="own"),
    Case("avx2", "DnCNN-17, grey, 8 pictures 512x512; latentflow with ONEDNN_MAX_CPU_ISA=AVX2, the peer as it is", "network",
         "dncnn17.onnx", 512, 512, 8, 3, ONE_PEER, environment={"ONEDNN_MAX_CPU_ISA": "AVX2"}),
    Case("zoo", "denoise_color of the zoo, one picture 768x512", "network", "zoo:denoise_color", 512, 768, 1, 9, NO_TORCH),
    Case("zoo24", "denoise_color of the zoo, one picture of 24 megapixels (6000x4000)", "network", "zoo:denoise_color", 4000,
         6000, 1, 3, NO_TORCH, slow=True),
    Case("inpaint", "inpaint_color of the zoo, one picture 768x512", "network", "zoo:inpaint_color", 512, 768, 1, 5, NO_TORCH),
    # Height and width have to be multiples of 32.
    Case("inpaint24", "inpaint_color of the zoo, one picture of 24 megapixels (6016x4000)", "network", "zoo:inpaint_color", 4000,
         6016, 1, 3, NO_TORCH, slow=True),
    Case("mlp", "MLP 784-1024-1024-10, 4096 rows", "network", "mlp.onnx", 0, 0, 4096, 9, NO_TORCH),
    Case("training", "one training step of DnCNN-17, 16 patches 64x64, Adam", "training", "dncnn17.onnx", 64, 64, 16, 7,
         ["latentflow", "PyTorch"]),
    Case("epoch", "an epoch of the autoencoder 784-1000-500-250-30, 60,000 rows in batches of 250, Adam", "epoch",
         "autoencoder.npz", 0, 0, 60000, 3, ["latentflow", "PyTorch"]),
    Case("epoch_bf16", "the same epoch; latentflow's products in bfloat16, the peer in float32", "epoch", "autoencoder.npz", 0, 0,
         60000, 3, ["latentflow", "PyTorch"], precision="bf16"),
    Case("job", "whole job: PNG photographs 768x512, noisy in, denoised PNG out", "job", "zoo:denoise_color", 512, 768, 0, 3,
         NO_TORCH),
]
