#!/usr/bin/env python3
"""peers.py: latentflow and other engines on the same networks and pictures, interleaved; ./run.sh bench peers calls it.

Writes peers.md and peers.json. Engines that are not installed are a line that says how to get them.
"""

import argparse
import datetime
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import report
from cases import CASES, NO_TORCH, Case
from engines import Worker, WorkerError, environment, find_engines

ROOT = Path(__file__).resolve().parents[3]
SIGMA = 25
PAUSE = 0.1  # seconds


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.build = arguments.build
        if not (self.build / "bin/latentflow_worker").exists():
            sys.exit(f"{self.build} holds no latentflow_worker; ./run.sh bench peers builds it")
        self.work = arguments.out / "work"
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.engines = find_engines(self.build, not arguments.no_install)
        # Three quarters of what is free, so that a peer that needs too much fails instead of the machine.
        available = next(int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines()
                         if line.startswith("MemAvailable"))
        self.memory_limit = available * 1024 * 3 // 4
        self.versions = {}
        self.helper = Worker([str(self.build / "bin/latentflow_worker")], dict(os.environ), self.memory_limit)
        self.helper.ask("networks", folder=str(self.work))

    def program(self, name, *arguments):
        done = subprocess.run([str(self.build / "bin" / name), *map(str, arguments)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit(f"{name} {' '.join(map(str, arguments))} failed: {done.stdout.strip()}")

    def pictures(self, count):
        """Noisy pictures of 768x512 from the user's folder, or drawn by latentflow."""
        folder = self.work / "noisy"
        if folder.is_dir():
            return sorted(folder.iterdir())
        if self.arguments.pictures:
            files = [path for path in sorted(self.arguments.pictures.rglob("*"))
                     if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")]
            if not files:
                sys.exit(f"--pictures {self.arguments.pictures}: no picture in that folder")
            listing = self.work / "pictures.txt"
            listing.write_text("".join(f"{path.resolve()}\n" for path in files[:count]))
            source = f"{{node: read_images, path: {listing}}}"
        else:
            source = f"{{node: draw_samples, count: {count}, width: 768, height: 512}}"
        graph = self.work / "noisy.yaml"
        graph.write_text(f"""graph: noisy
nodes:
  source: {source}
  sized:  {{node: resize, image: source, width: 768, height: 512}}
  noisy:  {{node: add_noise, image: sized, sigma: {SIGMA}}}
  saved:  {{node: write_images, image: noisy, path: {folder}, pattern: "{{number}}.png", format: png}}
""")
        self.program("latentflow", "run", graph, "--quiet")
        return sorted(folder.iterdir())

    def model_path(self, case):
        if case.model.startswith("zoo:"):
            return ROOT / "models/zoo" / (case.model[4:] + ".onnx")
        return Path(case.model) if os.path.isabs(case.model) else self.work / case.model

    def fixed_model(self, case):
        """OpenCV takes only networks with the size of the picture written in."""
        model = self.model_path(case)
        if not case.height:
            return model
        target = self.work / f"{model.stem}.{case.height}x{case.width}.onnx"
        self.program("latentflow-model", "fix", model, target, "--shape", f"{case.height}x{case.width}")
        return target

    def quantized_model(self, case):
        """The network as `latentflow model quantize` writes it. Speed does not depend on the weights: nothing is kept in float."""
        if case.quantized_model:
            return Path(case.quantized_model)
        target = self.work / f"{self.model_path(case).stem}.int8.onnx"
        if not target.exists():
            self.pictures(self.arguments.count)
            self.program("latentflow-model", "quantize", self.model_path(case), target, "--data", self.work / "noisy", "--samples", 16,
                         "--most-loss", 100)
        return target

    def model_for(self, engine, case):
        if engine.name == "OpenCV DNN":
            return self.fixed_model(case)
        return self.quantized_model(case) if case.quantized and engine.name == "latentflow" else self.model_path(case)

    def environment_of(self, engine, case):
        own = case.environment if engine.name == "latentflow" else {}
        return environment(self.arguments.threads, {**engine.environment, **own})

    def run_case(self, case):
        print(f"{case.name}: {case.title}", file=sys.stderr)
        result = {"name": case.name, "title": case.title, "rounds": case.rounds, "engines": {}}
        engines = [engine for engine in self.engines if engine.name in case.engines]
        for engine in engines:
            if engine.missing:
                result["engines"][engine.name] = {"note": f"not installed: {engine.missing}"}
        present = [engine for engine in engines if not engine.missing]
        (self.run_job if case.kind == "job" else self.run_workers)(case, present, result)
        result["engines"] = {engine.name: result["engines"][engine.name] for engine in engines}
        for name, facts in result["engines"].items():
            if "median" in facts:
                print(f"  {name:<14} {report.time_text(facts['median']):>10}  ratio {facts.get('ratio', 0):.2f}", file=sys.stderr)
            else:
                print(f"  {name:<14} {facts['note']}", file=sys.stderr)
        return result

    def is_over(self, rounds, start):
        """Whether no further round is begun: a case ends at its time limit, but not before its first round."""
        return rounds >= 1 and time.perf_counter() - start > self.arguments.seconds

    def run_workers(self, case, engines, result):
        if case.kind == "training":
            made = self.helper.ask("batch", folder=str(self.work), batch=case.count, side=case.height)
            inputs, gflop = [made["noisy"], made["clean"]], None
        elif case.kind == "epoch":
            inputs, gflop = [self.helper.ask("rows", folder=str(self.work), count=case.count)["rows"]], None
        else:
            files = [str(path) for path in self.pictures(self.arguments.count)] if case.height else []
            made = self.helper.ask("inputs", model=str(self.model_path(case)), pictures=files, height=case.height,
                                   width=case.width, count=case.count, sigma=SIGMA, folder=str(self.work), name=case.name)
            inputs, gflop = made["inputs"], made["gflop"] * case.count
        workers = {}
        for engine in engines:
            worker = Worker(engine.command, self.environment_of(engine, case), self.memory_limit)
            try:
                model = self.model_for(engine, case)
                facts = worker.ask("load", kind=case.kind, model=str(model), inputs=inputs, threads=self.arguments.threads,
                                   winograd=case.winograd, precision=case.precision)
                self.versions[engine.name] = facts["version"]
                gflop = facts.get("gflop", gflop)
                if "instructions" in facts:
                    result["notes"] = [f"{engine.name}: kernels of its own with {facts['instructions']}\n"]
                workers[engine.name] = worker
            except WorkerError as failure:
                result["engines"][engine.name] = {"note": f"failed: {failure}"}
                worker.close()
        seconds = {name: [] for name in workers}
        names = list(workers)
        others = lambda: report.busy_seconds() - sum(report.process_seconds(w.process.pid) for w in workers.values())
        start, busy = time.perf_counter(), others()
        for turn in range(case.rounds):
            if self.is_over(turn, start):
                break
            for name in names[turn % len(names):] + names[:turn % len(names)]:
                if name not in workers:
                    continue
                time.sleep(PAUSE)
                try:
                    seconds[name].append(workers[name].ask("round")["seconds"])
                except WorkerError as failure:
                    result["engines"][name] = {"note": f"failed in round {turn + 1}: {failure}"}
                    workers.pop(name).close()
                    del seconds[name]
                    start, busy = time.perf_counter(), others()
        result["others"] = max(0.0, (others() - busy) / (time.perf_counter() - start))
        result["rounds"] = max(map(len, seconds.values()), default=0)
        result["gflop"] = gflop
        outputs = {}
        for name, worker in workers.items():
            facts = report.summary(seconds[name], seconds.get("latentflow"), gflop)
            facts["peak"] = worker.peak_bytes()
            outputs[name] = str(self.work / f"{case.name}.{name.split()[0]}.out.npy")
            worker.ask("save", output=outputs[name])
            worker.close()
            result["engines"][name] = facts
        for name in outputs:
            if name != "latentflow" and "latentflow" in outputs:
                try:
                    compared = self.helper.ask("compare", a=outputs[name], b=outputs["latentflow"])
                    result["engines"][name]["difference"] = compared["largest"]
                    result["engines"][name]["scale"] = compared["scale"]
                except WorkerError as failure:
                    result["engines"][name]["note"] = str(failure)
        for path in [*inputs, *outputs.values()]:
            Path(path).unlink()

    def run_job(self, case, engines, result):
        pictures = self.pictures(self.arguments.count)
        result["title"] = f"{case.title} ({len(pictures)} pictures)"
        seconds, peaks = {engine.name: [] for engine in engines}, {}
        begin, busy, own = time.perf_counter(), report.busy_seconds(), 0.0
        for turn in range(case.rounds + 1):  # the first one warms the file cache and does not count
            if self.is_over(turn - 1, begin):
                break
            order = engines[turn % len(engines):] + engines[:turn % len(engines)]
            for engine in order:
                if engine.name not in seconds:
                    continue
                clean = self.work / f"clean.{engine.name.split()[0]}"
                shutil.rmtree(clean, ignore_errors=True)
                model = self.model_for(engine, case)
                command = engine.job(str(model), str(self.work / "noisy"), str(clean), str(SIGMA), str(self.arguments.threads))
                time.sleep(PAUSE)
                start = time.perf_counter()
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                           env=self.environment_of(engine, case))
                message = process.stderr.read()
                _, status, usage = os.wait4(process.pid, 0)
                spent = time.perf_counter() - start
                own += usage.ru_utime + usage.ru_stime
                process.returncode = os.waitstatus_to_exitcode(status)
                process.stderr.close()
                if process.returncode:
                    last = (message.strip().splitlines() or [""])[-1]
                    result["engines"][engine.name] = {"note": f"failed with code {process.returncode}: {last[:200]}"}
                    del seconds[engine.name]
                elif turn:
                    seconds[engine.name].append(spent)
                    peaks[engine.name] = max(peaks.get(engine.name, 0), usage.ru_maxrss * 1024)
        result["others"] = max(0.0, (report.busy_seconds() - busy - own) / (time.perf_counter() - begin))
        result["rounds"] = max(map(len, seconds.values()), default=0)
        for name, spent in seconds.items():
            facts = report.summary(spent, seconds.get("latentflow"), None)
            facts["peak"] = peaks[name]
            result["engines"][name] = facts
            try:
                compared = self.helper.ask("compare_folders", a=str(self.work / f"clean.{name.split()[0]}"),
                                           b=str(self.work / "clean.latentflow"))
            except WorkerError as failure:
                facts["note"] = str(failure)
                continue
            facts["bytes"] = compared["bytes"]
            if name != "latentflow":
                facts["difference"] = compared["largest"]
            result.setdefault("notes", []).append(f"{name}: {facts['bytes'] / 1e6:.1f} MB written\n")


def chosen_cases(arguments):
    cases = list(CASES)
    if arguments.models:
        files = sorted(arguments.models.glob("*.onnx"))
        if not files:
            sys.exit(f"--models {arguments.models}: no .onnx file in that folder")
        cases += [Case(path.stem, f"{path.name}, one picture 512x512", "network", str(path.resolve()), 512, 512, 1, 5, NO_TORCH)
                  for path in files]
    if arguments.quantized:
        model, integers = arguments.quantized
        cases.append(Case(integers.stem, f"{integers.name}, 8 pictures 512x512; the others with {model.name}", "network", str(model),
                          512, 512, 8, 3, NO_TORCH, quantized=True, quantized_model=str(integers)))
    names = [case.name for case in cases]
    for name in names:
        if names.count(name) > 1:
            sys.exit(f"there are two cases with the name {name}; give the file another one")
    if not arguments.case:
        return [case for case in cases if arguments.all or not case.slow]
    known = {case.name: case for case in cases}
    for name in arguments.case:
        if name not in known:
            sys.exit(f"--case {name}: there is no such case; known are {', '.join(known)}")
    return [known[name] for name in arguments.case]


def positive(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return int(text)


def file(text):
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return Path(text).resolve()


def folder(text):
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return Path(text)


def main():
    listing = "".join(f"  {case.name:<13} {case.title}{' (slow)' if case.slow else ''}\n" for case in CASES)
    parser = argparse.ArgumentParser(prog="run.sh bench peers", description=__doc__.splitlines()[0], epilog="cases:\n" + listing,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=folder, help="a folder of ONNX files; each becomes a case on a picture of 512x512")
    parser.add_argument("--quantized", type=file, nargs=2, metavar=("FLOAT", "INT8"),
                        help="also a network of yours on 8 pictures of 512x512: latentflow with the file of integers, per layer "
                        "the faster of the two, the others with the float one")
    parser.add_argument("--pictures", type=folder, help="photographs to use instead of drawn pictures")
    parser.add_argument("--out", type=Path, default=ROOT / "output/peers", help="folder for peers.md and peers.json")
    parser.add_argument("--case", action="append", metavar="NAME", help="only this case of those below; may be repeated")
    parser.add_argument("--all", action="store_true", help="the slow cases as well")
    parser.add_argument("--rounds", type=positive, help="instead of each case's own number")
    parser.add_argument("--seconds", type=positive, default=180,
                        help="time limit of a case: no further round begins after it, and the report says how many there were")
    parser.add_argument("--threads", type=positive, default=2)
    parser.add_argument("--count", type=positive, default=20, help="photographs of the whole job")
    parser.add_argument("--no-install", action="store_true", help="do not fetch ONNX Runtime and sharp with npm")
    parser.add_argument("--build", type=Path, default=ROOT / "build/bench", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.out = arguments.out.resolve()
    cases = chosen_cases(arguments)
    bench = Bench(arguments)
    revision = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True).stdout.strip() or "unknown"
    result = {"command": "./run.sh bench peers " + " ".join(sys.argv[1:]), "revision": revision,
              "date": datetime.datetime.now().isoformat(" ", "minutes"), "threads": arguments.threads,
              "environment": {name: value for name, value in os.environ.items() if name.startswith(("ONEDNN_", "DNNL_"))},
              "machine": report.machine(), "versions": bench.versions, "cases": []}
    for case in cases:
        case.rounds = arguments.rounds or case.rounds
        result["cases"].append(bench.run_case(case))
        report.write(result, arguments.out)  # after every case: what is measured stays, whatever happens later
    bench.helper.close()
    shutil.rmtree(bench.work, ignore_errors=True)
    print(report.markdown(result))
    print(f"written: {arguments.out / 'peers.md'}, {arguments.out / 'peers.json'}", file=sys.stderr)


if __name__ == "__main__":
    main()
