#!/usr/bin/env python3
"""include_rules.py: who may include whom, and how long a file may be; prints file:line: error and exits 1."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINE_LIMIT = 400
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')

YAML, TBB, ONEDNN, OPENCV, ONNX = "yaml-cpp/", ("tbb/", "oneapi/tbb"), ("oneapi/dnnl", "dnnl"), "opencv2/", ("onnx/", "google/protobuf")


def starts(include, prefixes):
    return include.startswith(prefixes if isinstance(prefixes, tuple) else (prefixes,))


def forbidden(path, include):
    """The rule an include breaks, or None. Directions: plugins -> models/nn, models/codes, models/stages, models/holes, models/ensemble, models/data, models/codecs -> public headers <- pipeline/src <- cli."""
    parts = path.relative_to(ROOT).parts
    if parts[0] == "tests":
        return None
    if include.startswith("tests/"):
        return "nothing includes tests/"
    if parts[:2] == ("pipeline", "include"):
        if starts(include, YAML) or starts(include, TBB) or starts(include, ONEDNN):
            return "public headers include the standard library and OpenCV core only"
        if include.startswith("opencv2/") and not include.startswith("opencv2/core"):
            return "public headers include of OpenCV only core"
    elif parts[0] == "pipeline":
        if include.startswith(("nn/", "codes/", "stages/", "codecs/", "holes/", "ensemble/", "data/", "train/", "models/", "plugins/")) or starts(include, ONEDNN) or starts(include, ONNX):
            return "pipeline/ finds networks and plugins at run time, it never includes them"
    elif parts[:2] == ("models", "nn"):
        if starts(include, YAML) or starts(include, OPENCV) or include.startswith(("train/", "codes/", "stages/", "codecs/", "holes/", "ensemble/", "data/", "plugins/")):
            return "models/nn includes result.h, tensor.h, aligned_memory.h, oneDNN, ONNX and oneTBB loops only"
        if "flow_graph" in include:
            return "models/nn knows nothing of the flow graph"
        if include.startswith("latentflow/") and include not in ("latentflow/result.h", "latentflow/tensor.h", "latentflow/aligned_memory.h"):
            return "of the public headers models/nn includes result.h, tensor.h and aligned_memory.h only"
    elif parts[:2] == ("models", "holes"):
        if starts(include, YAML) or starts(include, TBB) or starts(include, ONEDNN) or include.startswith(("train/", "nn/", "data/", "plugins/")):
            return "models/holes includes result.h and OpenCV only"
    elif parts[:2] == ("models", "ensemble"):
        if starts(include, YAML) or starts(include, TBB) or starts(include, ONEDNN) or include.startswith(("train/", "nn/", "holes/", "data/", "plugins/")):
            return "models/ensemble includes result.h and OpenCV only"
    elif parts[:2] == ("models", "codecs"):
        if starts(include, YAML) or starts(include, TBB) or starts(include, ONEDNN) or include.startswith(("train/", "nn/", "holes/", "data/", "plugins/")) or (include.startswith("opencv2/imgcodecs") and parts[-1] != "opencv_module.cpp"):
            return "models/codecs includes result.h, OpenCV core, libpng and libjpeg only, but for the module with OpenCV's codecs"
    elif parts[:2] == ("models", "data"):
        if starts(include, YAML) or starts(include, TBB) or starts(include, ONEDNN) or include.startswith(("train/", "nn/", "holes/", "plugins/")):
            return "models/data includes the public headers and OpenCV core only"
    elif parts[:2] == ("models", "stages"):
        if starts(include, YAML) or starts(include, OPENCV) or "flow_graph" in include or include.startswith(("train/", "codes/", "plugins/")):
            return "models/stages includes the public headers and models/nn only"
    elif parts[0] == "models":
        if include.startswith("plugins/") or "pipeline/src" in include:
            return "models/ never includes plugins or the pipeline's sources"
    elif parts[0] == "plugins":
        if starts(include, YAML) or starts(include, TBB) or include.startswith("train/") or "pipeline/src" in include:
            return "a plugin includes latentflow/*.h, models/nn, models/codes, models/stages, models/holes, models/ensemble, models/data, models/codecs and OpenCV"
        family = re.match(r"(?:\.\./|plugins/)(\w+)/", include)
        if family and family.group(1) != parts[1]:
            return "a plugin never includes another plugin"
    return None


def main():
    problems = []
    for folder in ("pipeline", "models", "plugins", "tests"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in (".h", ".cpp", ".py", ".cmake"):
                continue
            lines = path.read_text(encoding="utf-8").splitlines()
            name = path.relative_to(ROOT)
            if len(lines) > LINE_LIMIT:
                problems.append(f"{name}:{LINE_LIMIT}: error: {len(lines)} lines, the limit is {LINE_LIMIT}; split it by idea")
            if path.suffix in (".h", ".cpp") and not (lines and lines[0].startswith(f"// {path.name}: ")):
                problems.append(f"{name}:1: error: the first line says what the file is for: // {path.name}: ...")
            for number, line in enumerate(lines, 1):
                match = INCLUDE.match(line)
                rule = match and forbidden(path, match.group(1))
                if rule:
                    problems.append(f"{name}:{number}: error: includes {match.group(1)}; {rule}")
    print("\n".join(problems) if problems else "include rules: kept")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
