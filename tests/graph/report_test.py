#!/usr/bin/env python3
"""report_test.py: the page that --report writes: complete, self-contained, reachable by keyboard.

usage: report_test.py PROGRAM
"""

import base64
import html.parser
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

VOID = {"meta", "img", "input", "br", "link"}
problems = []


def check(condition, text):
    if not condition:
        problems.append(text)


class Page(html.parser.HTMLParser):
    """Elements as (name, attributes, names of the elements around it), and whether all are closed in order."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.open, self.texts = [], [], {}
        self.source = pathlib.Path(path).read_text(encoding="utf-8")
        self.feed(self.source)
        check(not self.open, f"{path}: not closed: {self.open}")

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), list(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        check(self.open and self.open[-1] == tag, f"</{tag}> closes {self.open}")
        if self.open:
            self.open.pop()

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def all(self, tag):
        return [attributes for name, attributes, _ in self.elements if name == tag]


def run(program, *arguments, code=0):
    result = subprocess.run([program, *arguments], capture_output=True, text=True)
    check(result.returncode == code, f"{arguments}: exit code {result.returncode}: {result.stdout}{result.stderr}")
    return result.stdout + result.stderr


def check_page(page, pictures, per_picture):
    """What holds for every page."""
    check(page.source.startswith("<!DOCTYPE html>"), "no doctype")
    check(page.all("html")[0].get("lang") == "en", "no language")
    check(any(meta.get("name") == "viewport" for meta in page.all("meta")), "no viewport for narrow screens")
    check("prefers-color-scheme: dark" in page.source, "no dark colours")
    policy = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    check(policy and policy[0].startswith("default-src 'none'; img-src data:"), f"policy {policy}")
    for name, attributes, _ in page.elements:
        for key, value in attributes.items():
            if key in ("src", "href", "srcset", "action", "data"):
                check(value.startswith("data:image/jpeg;base64,"), f"<{name}> loads {value[:60]}")
    check("http://" not in page.source and "https://" not in page.source and "url(" not in page.source, "the page names an address")
    figures = page.all("figure")
    check(len(figures) == pictures, f"{len(figures)} figures, expected {pictures}")
    images = page.all("img")
    check(len(images) == pictures * per_picture, f"{len(images)} images")
    for image in images:
        data = base64.b64decode(image["src"].split(",", 1)[1], validate=True)
        check(data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9", "no whole JPEG")
        check(image.get("alt"), "an image without words")
    for kind in ("left", "right"):
        check(sum(image["class"] == kind for image in images) == pictures, f"not one {kind} image per figure")
    ranges = page.all("input")
    check(len(ranges) == pictures, f"{len(ranges)} sliders")
    for one in ranges:
        check(one["type"] == "range" and one["aria-label"] and "tabindex" not in one and "disabled" not in one, f"slider {one}")


def main():
    program = os.path.abspath(sys.argv[1])
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    try:
        # A graph with a sheet: its pictures and captions, and the numbers of its table.
        run(program, "run", "demo", "--quiet", "--set", "count=2", "--set", "output=demo", "--report", "report")
        page = Page("report/index.html")
        check_page(page, 2, 3)
        check(page.texts["h1"] == ["demo"], f"headline {page.texts['h1']}")
        check([one["id"] for one in page.all("select")] == ["left", "right"], "no choice between three pictures")
        check(page.texts["option"] == ["noisy", "denoised", "drawn"] * 2, f"options {page.texts['option']}")
        rows = sum(name == "tr" for name, _, _ in page.elements)
        check(rows == 4, f"{rows} rows: a header, 2 pictures and the mean are 4")
        check("denoised_psnr" in page.texts["th"], "the table lacks a column")
        check(sum(name == "tr" and "tfoot" in around for name, _, around in page.elements) == 1, "no mean in the foot")
        listed = sorted(path.name for path in pathlib.Path("report").iterdir())
        check(listed == ["index.html"], f"files {listed}")

        # A graph that writes pictures: what was read beside what is written. Names are text, not markup.
        pathlib.Path("photos").mkdir()
        shutil.copy("demo/denoised/hills.png", "photos/a&<b>\"c'.png")
        run(program, "denoise", "photos", "clean", "--quiet", "--sigma", "5", "--report", "pages/one")
        page = Page("pages/one/index.html")
        check_page(page, 1, 2)
        check(page.texts["figcaption"] == ["a&<b>\"c'.png"], f"caption {page.texts['figcaption']}")
        check(page.texts["span"] == ["before", "after"], f"words {page.texts['span']}")
        check(not page.all("select"), "a choice without need")
        check(page.texts["th"][:4] == ["name", "width", "height", "sigma"], f"columns {page.texts['th']}")
        check(not page.texts.get("li"), "something failed")

        # What failed is on the page, too.
        pathlib.Path("photos/broken.png").write_bytes(b"no picture")
        run(program, "denoise", "photos", "again", "--quiet", "--sigma", "5", "--report", "pages/two", code=3)
        page = Page("pages/two/index.html")
        check_page(page, 1, 2)
        check(page.texts["p"] == ["1 picture, 1 failed"], f"words {page.texts['p']}")
        check(page.texts["li"][0].startswith("broken.png: photos: "), f"failed {page.texts['li']}")

        # What cannot be shown is refused before the run.
        pathlib.Path("plain.yaml").write_text("graph: plain\nnodes:\n  a: {node: draw_samples, count: 1}\n"
                                              "  b: {node: write_images, image: a, path: drawn}\n")
        printed = run(program, "run", "plain.yaml", "--report", "r", code=1)
        check("'b' writes pictures as they were read" in printed, printed)
        pathlib.Path("numbers.yaml").write_text("graph: numbers\nnodes:\n  a: {node: draw_samples, count: 1}\n"
                                                "  b: {node: estimate_noise, image: a}\n  c: {node: write_table, record: b, path: t.csv}\n")
        check("neither a write_sheet" in run(program, "run", "numbers.yaml", "--report", "r", code=1), "not refused")
        pathlib.Path("file").write_text("")
        check("'report' (write_report)" in run(program, "run", "demo", "--set", "output=x", "--report", "file", code=1),
              "a file in the place of the folder is not refused")
        check(not pathlib.Path("drawn").exists() and not pathlib.Path("x").exists(), "something ran")
    finally:
        shutil.rmtree(folder)
    print("\n".join(problems) if problems else "the page is complete and self-contained")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
