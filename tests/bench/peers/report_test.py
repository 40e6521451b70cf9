#!/usr/bin/env python3
"""report_test.py: the peer bench without engines: how rounds become ratios, what the tables say, what workers may do wrong."""

import io
import json
import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))
import engines
import peers
import report
from cases import CASES

# Answers "good" with its line, says an error to "bad", dies of "die".
WORKER = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "die":
        sys.exit("out of luck")
    print(json.dumps({"error": "not so\\nsecond line"} if request["do"] == "bad" else request), flush=True)
"""


class Rounds(unittest.TestCase):
    def test_the_ratio_pairs_rounds_and_is_not_that_of_the_medians(self):
        # The machine was twice as slow in the last round, for both.
        facts = report.summary([3.0, 2.0, 8.0], [1.0, 1.0, 4.0], gflop=6)
        self.assertEqual(facts["ratio"], 2.0)
        self.assertEqual((facts["median"], facts["least"], facts["most"], facts["gflops"]), (3.0, 2.0, 8.0, 2.0))

    def test_processor_time_of_a_process_is_part_of_the_machines(self):
        before = report.busy_seconds(), report.process_seconds(os.getpid())
        while report.process_seconds(os.getpid()) - before[1] < 0.1:
            sum(range(10000))
        self.assertGreater(report.busy_seconds() - before[0], 0.05)

    def test_without_a_reference_there_is_no_ratio(self):
        self.assertNotIn("ratio", report.summary([1.0], None, None))


class Tables(unittest.TestCase):
    def setUp(self):
        good = {**report.summary([0.5], [0.25], 1), "peak": 3 << 20, "difference": 1.5e-6}
        self.result = {"command": "bench", "revision": "r", "date": "d", "threads": 2, "versions": {"A": "A 1.0"},
                       "environment": {"ONEDNN_MAX_CPU_ISA": "AVX2"}, "machine": report.machine(),
                       "cases": [{"title": "T", "rounds": 1, "gflop": 1, "others": 0.5,
                                  "engines": {"A": good, "B": {"note": "not installed: apt-get install b"}}}]}

    def test_a_row_has_all_facts_and_a_missing_engine_says_how_to_get_it(self):
        text = report.markdown(self.result)
        self.assertIn("| A | 500.0 ms | 500.0 ms to 500.0 ms | 2.00 | 2 | 3 | 1.5e-06 |", text)
        self.assertIn("| B | not installed: apt-get install b | | | | | |", text)
        self.assertIn("1.0 GFLOP per round, 1 rounds, other processes kept 0.50 processors busy: **not a quiet machine**", text)
        self.assertIn("ONEDNN_MAX_CPU_ISA=AVX2", text)
        self.assertIn(self.result["machine"]["processor"], text)

    def test_both_files_are_written(self):
        with tempfile.TemporaryDirectory() as folder:
            report.write(self.result, Path(folder) / "new")
            self.assertEqual(json.loads((Path(folder) / "new/peers.json").read_text())["cases"][0]["engines"]["A"]["ratio"], 2.0)
            self.assertIn("# Peer bench", (Path(folder) / "new/peers.md").read_text())


class Workers(unittest.TestCase):
    def setUp(self):
        self.worker = engines.Worker([sys.executable, "-c", WORKER], dict(os.environ), 1 << 32)
        self.addCleanup(self.worker.close)

    def test_answers_and_errors(self):
        self.assertEqual(self.worker.ask("good", x=1)["x"], 1)
        with self.assertRaisesRegex(engines.WorkerError, "^not so$"):
            self.worker.ask("bad")
        self.assertGreater(self.worker.peak_bytes(), 1 << 20)

    def test_one_that_dies_says_how(self):
        with self.assertRaisesRegex(engines.WorkerError, "ended with code 1 out of luck"):
            self.worker.ask("die")


class Arguments(unittest.TestCase):
    def refusal(self, *arguments):
        with mock.patch.object(sys, "argv", ["peers.py", *arguments]), mock.patch("sys.stderr", io.StringIO()) as errors:
            with self.assertRaises(SystemExit) as stop:
                peers.main()
            return errors.getvalue() + str(stop.exception.code)

    def test_wrong_ones_are_refused_before_anything_runs(self):
        self.assertIn("there is no such case; known are latency", self.refusal("--case", "latencyy"))
        self.assertIn("there is no folder /no/such", self.refusal("--models", "/no/such"))
        self.assertIn("0 is not a whole number above 0", self.refusal("--rounds", "0"))
        with tempfile.TemporaryDirectory() as empty:
            self.assertIn("no .onnx file in that folder", self.refusal("--models", empty))

    def test_pictures_of_the_inpainter_are_multiples_of_its_blocks(self):
        for case in CASES:
            if "inpaint" in case.model:
                self.assertEqual((case.height % 32, case.width % 32), (0, 0), case.name)

    def test_what_a_case_sets_is_set_for_latentflow_alone(self):
        bench = peers.Bench.__new__(peers.Bench)
        bench.arguments = mock.Mock(threads=2)
        case = next(case for case in CASES if case.name == "avx2")
        peer = engines.Engine("ONNX Runtime", [], {"NODE_PATH": "/modules"})
        with mock.patch.dict(os.environ, clear=True):
            own, others = (bench.environment_of(engine, case) for engine in (engines.Engine("latentflow", []), peer))
        self.assertEqual(own["ONEDNN_MAX_CPU_ISA"], "AVX2")
        self.assertNotIn("ONEDNN_MAX_CPU_ISA", others)
        self.assertEqual(others["NODE_PATH"], "/modules")

    def test_help_says_what_every_case_is(self):
        with mock.patch.object(sys, "argv", ["peers.py", "--help"]), mock.patch("sys.stdout", io.StringIO()) as text:
            with self.assertRaises(SystemExit):
                peers.main()
        for case in CASES:
            self.assertIn(f"{case.name:<13} {case.title}", text.getvalue())

    def test_case_names_are_unique(self):
        self.assertEqual(len({case.name for case in CASES}), len(CASES))


if __name__ == "__main__":
    unittest.main()
