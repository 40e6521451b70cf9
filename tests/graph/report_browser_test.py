#!/usr/bin/env python3
"""report_browser_test.py: the page that --report writes, used in a headless Chromium by keyboard, mouse and touch: which pixels
show on either side of the line.

usage: report_browser_test.py PROGRAM       skipped (exit code 77) where no browser is installed
"""

import os
import pathlib
import re
import shutil
import sys
import tempfile

import browser
from report_test import check, problems, run

COLOURS = {"first": (200, 40, 40), "second": (40, 40, 200), "third": (40, 160, 40), "line": (255, 255, 255)}
GRAPH = """graph: three
nodes:
  one:   {node: read_images, path: first}
  two:   {node: read_images, path: second}
  three: {node: read_images, path: third}
  sheet: {node: write_sheet, a: one, b: two, c: three, captions: [first, second, third], path: sheet.png}
"""
# Screenshots become files that need no decoder.
CONVERT = """graph: convert
nodes:
  shots:  {node: read_images, path: shots, color: color}
  pixels: {node: write_images, image: shots, path: pixels, format: ppm}
"""
BOXES = """[...document.querySelectorAll(".pair")].map((pair) => {
  const box = pair.getBoundingClientRect();
  return [box.left, box.top, box.width, box.height];
})"""


class Shots:
    """Screenshots, and which colours are expected where in them."""

    def __init__(self, page, boxes):
        self.page, self.boxes, self.expected = page, boxes, {}
        pathlib.Path("shots").mkdir()

    def place(self, figure, percent, height=0.5):
        """The point so far from the left of a figure's pictures, and at this share of their height."""
        left, top, width, whole = self.boxes[figure]
        return left + width * percent / 100, top + height * whole

    def take(self, name, *lines):
        """`lines`: per figure in percent from the left where its line has to be, and the pictures on both sides of it."""
        self.page.screenshot(f"shots/{name}.png")
        points = self.expected.setdefault(name, [])
        for figure, (percent, left, right) in enumerate(lines):
            x, y = self.place(figure, percent, 0.2)  # above the handle and the captions
            if percent > 2:
                points.append((x - 6, y, left))
            if percent < 98:
                points.append((x + 6, y, right))
            if 2 < percent < 98:
                points.append((x, y, "line"))

    def compare(self):
        for name, points in self.expected.items():
            data = pathlib.Path(f"pixels/{name}.ppm").read_bytes()
            header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
            width = int(header.group(1))
            for x, y, picture in points:
                start = header.end() + 3 * (int(y) * width + int(x))
                shown = tuple(data[start:start + 3])
                # JPEG and its chroma change plain colours a little.
                near = all(abs(a - b) <= 20 for a, b in zip(shown, COLOURS[picture]))
                check(near, f"{name}: {shown} at x {x:.0f}, y {y:.0f}, expected {picture} {COLOURS[picture]}")


def look(page):
    """Moves the lines of the page in all ways there are."""
    page.open("page/index.html", 900, 1000)
    boxes = page.value(BOXES)
    check(len(boxes) == 2 and all(box[0] >= 0 and box[2] > 200 and box[1] + box[3] <= 1000 for box in boxes), f"figures at {boxes}")
    shots = Shots(page, boxes)
    position = 'document.querySelectorAll(".pair input")[{}].value'
    shots.take("opened", (50, "first", "second"), (50, "first", "second"))

    page.value('document.querySelector(".pair input").focus()')
    page.key("ArrowRight", 5)
    check(page.value(position.format(0)) == "55", f"five arrow keys give {page.value(position.format(0))}")
    shots.take("keyboard", (55, "first", "second"), (50, "first", "second"))
    page.key("End")
    shots.take("end", (100, "first", "second"), (50, "first", "second"))
    page.key("Home")
    shots.take("home", (0, "first", "second"), (50, "first", "second"))

    page.mouse("mousePressed", *shots.place(0, 12))
    shots.take("pressed", (12, "first", "second"), (50, "first", "second"))
    page.mouse("mouseMoved", *shots.place(0, 60))
    page.mouse("mouseMoved", *shots.place(0, 85))
    shots.take("dragged", (85, "first", "second"), (50, "first", "second"))
    page.mouse("mouseReleased", *shots.place(0, 85))
    page.mouse("mouseMoved", *shots.place(0, 30), held=False)
    shots.take("released", (85, "first", "second"), (50, "first", "second"))
    page.key("ArrowLeft", 2)
    shots.take("after_the_mouse", (83, "first", "second"), (50, "first", "second"))
    page.tap(*shots.place(1, 20))
    shots.take("tapped", (83, "first", "second"), (20, "first", "second"))

    page.value('{ const left = document.getElementById("left"); left.value = "2"; '
               'left.dispatchEvent(new Event("change", {bubbles: true})); }')
    shots.take("chosen", (83, "third", "second"), (20, "third", "second"))
    words = page.value('[...document.querySelectorAll(".caption")].map((caption) => caption.textContent)')
    check(words == ["third", "second"] * 2, f"captions {words}")
    check(not page.complaints(), f"the browser complains: {page.complaints()}")
    return shots


def main():
    program = os.path.abspath(sys.argv[1])
    found = browser.find()
    if found is None:
        print(f"skipped: none of {', '.join(browser.NAMES)} is installed; LATENTFLOW_BROWSER names another one")
        return 77
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    try:
        for name in ("first", "second", "third"):
            pathlib.Path(name).mkdir()
            for item in ("a", "b"):
                pathlib.Path(f"{name}/{item}.ppm").write_bytes(b"P6\n160 120\n255\n" + bytes(COLOURS[name]) * (160 * 120))
        pathlib.Path("three.yaml").write_text(GRAPH)
        pathlib.Path("convert.yaml").write_text(CONVERT)
        run(program, "run", "three.yaml", "--quiet", "--report", "page")
        with browser.Browser(found, folder, seconds=90) as page:
            shots = look(page)
        run(program, "run", "convert.yaml", "--quiet")
        shots.compare()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(problems) if problems else f"the lines of the page move as they should in {found}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
