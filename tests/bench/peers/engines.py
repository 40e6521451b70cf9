"""engines.py: the engines of the peer bench: which exist here, how their workers are started, how to get missing ones."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


class WorkerError(Exception):
    """What a worker answered instead of a result, or how it died."""


class Worker:
    """A process that answers one JSON line per request; it lives for all rounds of a case."""

    def __init__(self, command, environment, memory_limit):
        def limit():
            resource.setrlimit(resource.RLIMIT_DATA, (memory_limit, memory_limit))

        self.messages = tempfile.TemporaryFile("w+")  # a pipe that nobody reads would stop a talkative worker
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.messages,
                                        text=True, env=environment, preexec_fn=limit)

    def ask(self, do, **request):
        try:
            self.process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = self.process.wait()
            self.messages.seek(0)
            last = self.messages.read().strip().splitlines()[-1:] or [""]
            raise WorkerError(f"ended with code {code} {last[0]}".strip())
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"].strip().splitlines()[0][:200])
        return answer

    def peak_bytes(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return None

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait()
        self.process.stdout.close()
        self.messages.close()


class Engine:
    """One engine; `missing` says how to get it, or is empty."""

    def __init__(self, name, command, environment=None, missing="", job=None):
        self.name, self.command, self.missing = name, command, missing
        self.environment = environment or {}
        self.job = job  # (model, noisy, clean, sigma, threads) -> command of the whole job


def environment(threads, extra):
    """Threads are fixed for every library; idle threads must not spin while another engine is measured."""
    count = str(threads)
    return {**os.environ, "OMP_NUM_THREADS": count, "OMP_WAIT_POLICY": "passive", "OPENBLAS_NUM_THREADS": count,
            "MKL_NUM_THREADS": count, **extra}


def install_node_packages(folder, install):
    """onnxruntime-node and sharp, newest, without their install scripts; what is wrong, or empty."""
    how = "needs Node and npm: apt-get install nodejs npm"
    if not shutil.which("node"):
        return how
    if (folder / "node_modules/onnxruntime-node").is_dir() and (folder / "node_modules/sharp").is_dir():
        return ""
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "onnxruntime-node@latest", "sharp@latest"]
    how = f"(mkdir -p {folder} && cd {folder} && {' '.join(command)})"
    if not install or not shutil.which("npm"):
        return how
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}\n')
    print(f"installing into {folder}: {' '.join(command)}", file=sys.stderr)
    done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return "" if done.returncode == 0 else f"{how} failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}"


def python_with_torch():
    for python in dict.fromkeys([sys.executable, "/usr/bin/python3"]):
        if subprocess.run([python, "-c", "import torch"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None


def find_engines(build, install):
    """All engines; latentflow is the first."""
    binaries = build / "bin"
    node_folder = build.parent / "peers/node"
    node = {"NODE_PATH": str(node_folder / "node_modules")}
    node_missing = install_node_packages(node_folder, install)
    python = python_with_torch()
    words = lambda *values: [str(value) for value in values]
    return [
        Engine("latentflow", words(binaries / "latentflow_worker"),
               job=lambda model, noisy, clean, sigma, threads: words(
                   binaries / "latentflow", "denoise", noisy, clean, "--sigma", sigma, "--model", model, "--threads", threads,
                   "--quiet")),
        Engine("ONNX Runtime", words("node", HERE / "onnxruntime_worker.js"), node, node_missing,
               job=lambda *arguments: words("node", HERE / "denoise_folder.js", *arguments)),
        Engine("OpenCV DNN", words(binaries / "opencv_worker"),
               job=lambda *arguments: words(binaries / "opencv_worker", *arguments)),
        Engine("PyTorch", words(python, HERE / "pytorch_worker.py"), missing="" if python else "apt-get install python3-torch"),
    ]
