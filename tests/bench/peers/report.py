"""report.py: the results of the peer bench as Markdown and JSON, with the machine they were measured on."""

import json
import os
import platform
import statistics
from pathlib import Path

INTERESTING_FLAGS = ["avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_tile", "amx_int8", "amx_bf16"]

NOTES = """\
- Every engine is one process per case, with the network loaded once and one warm-up round that is not counted. A round is one
  measurement of every engine in turn, in an order that rotates; the ratio is the median over the rounds of (its time / latentflow's
  time in the same round), so drift of the machine hits all alike. Between two measurements there is a pause, so that idle threads sleep.
- All engines have the same number of threads. Pictures: latentflow gives each thread a picture of its own, or lets all
  share the layers of a single one; the others get one picture after the other and use all threads inside it, as their users do.
- GFLOP/s count the direct algorithm (2 per multiply-add of convolutions and matrix products), also where an engine does less work.
- Peak is the resident memory of the process (VmHWM; for the whole job that of the program), runtime and inputs included.
- Difference is the largest absolute one to latentflow's output; for training and epochs it is of the loss over all steps,
  for the whole job in grey levels of the written pictures.
- "Other processes" is what the machine computed between the first and the last round beyond the engines themselves, per second; above
  0.1 the figures are those of a busy machine, and engines that cut work into equal parts suffer more than ones that hand it out.
- Whole job: each round starts the programs anew, so start and loading count; peers are scripts as users write them
  (`denoise_folder.js`: sharp and ONNX Runtime, three pictures under way; `opencv_worker.cpp`: one after the other).
"""


def busy_seconds():
    """Processor seconds that all processes of the machine have used so far."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]]
    user, nice, system, _, _, interrupts, soft = fields
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK")


def process_seconds(pid):
    """What one living process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def machine():
    model, flags = "unknown", []
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            model = value.strip()
        if key.strip() == "flags":
            flags = [flag for flag in INTERESTING_FLAGS if flag in value.split()]
            break
    processors = sum(line.startswith("processor") for line in Path("/proc/cpuinfo").read_text().splitlines())
    memory = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
    return {"processor": model, "processors": processors, "flags": flags, "memory": memory, "system": platform.platform()}


def summary(seconds, reference, gflop):
    """Facts of one engine in one case from its rounds and latentflow's."""
    median = statistics.median(seconds)
    facts = {"median": median, "least": min(seconds), "most": max(seconds), "seconds": seconds}
    if reference:
        facts["ratio"] = statistics.median(own / other for own, other in zip(seconds, reference))
    if gflop:
        facts["gflops"] = gflop / median
    return facts


def time_text(seconds):
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.1f} ms"


def case_table(case):
    lines = [f"## {case['title']}", ""]
    facts = [f"{case['gflop']:.1f} GFLOP per round"] if case.get("gflop") else []
    facts.append(f"{case['rounds']} rounds")
    if "others" in case:
        facts.append(f"other processes kept {case['others']:.2f} processors busy"
                     + (": **not a quiet machine**" if case["others"] > 0.1 else ""))
    lines += [", ".join(facts), ""]
    lines += ["| engine | median | least to most | ratio | GFLOP/s | peak MiB | difference |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for name, facts in case["engines"].items():
        if "median" not in facts:
            lines.append(f"| {name} | {facts['note']} | | | | | |")
            continue
        cells = [name, time_text(facts["median"]), f"{time_text(facts['least'])} to {time_text(facts['most'])}",
                 f"{facts['ratio']:.2f}" if "ratio" in facts else "",
                 f"{facts['gflops']:.0f}" if "gflops" in facts else "",
                 f"{facts['peak'] / 2**20:.0f}" if facts.get("peak") else "",
                 f"{facts['difference']:.2g}" if "difference" in facts else facts.get("note", "")]
        lines.append("| " + " | ".join(cells) + " |")
    return lines + [""] + case.get("notes", [])


def markdown(result):
    m = result["machine"]
    lines = ["# Peer bench", "",
             f"`{result['command']}`, {result['date']}, latentflow {result['revision']}, {result['threads']} threads", "",
             f"{m['processor']}, {m['processors']} processors, {m['memory'] / 2**30:.0f} GiB, {' '.join(m['flags'])}"
             + ("" if "avx512f" in m["flags"] else " (no AVX-512)") + f"; {m['system']}", ""]
    lines += [f"- set for all engines: `{name}={value}`" for name, value in result["environment"].items()]
    lines += [f"- {name}: {version}" for name, version in result["versions"].items()] + [""]
    for case in result["cases"]:
        lines += case_table(case)
    return "\n".join(lines + ["## How it is measured", "", NOTES])


def write(result, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "peers.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / "peers.md").write_text(markdown(result))
