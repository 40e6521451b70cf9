"""browser.py: a headless Chromium that a test drives as its user would, with nothing but Python's library.

It speaks the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/) over a pair of pipes, which needs no
port: messages are JSON and end in a zero byte.
"""

import base64
import fcntl
import json
import os
import pathlib
import select
import shutil
import signal
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
KEYS = {"End": 35, "Home": 36, "ArrowLeft": 37, "ArrowRight": 39}


def find():
    """The program that LATENTFLOW_BROWSER names, else the first of NAMES that is installed, else None."""
    return os.environ.get("LATENTFLOW_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)


def pipe():
    """Its ends, reading and writing, away from the numbers 3 and 4 that the browser takes its pipes from."""
    ends = []
    for end in os.pipe():
        ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10))
        os.close(end)
    return ends


class Browser:
    """One page in one browser, which ends with the `with` block. After `seconds` altogether everything raises TimeoutError."""

    def __init__(self, program, folder, seconds):
        self.deadline = time.monotonic() + seconds
        self.log = os.path.join(folder, "browser.log")
        self.buffer, self.events, self.number, self.session = b"", [], 0, None
        its_commands, self.commands = pipe()
        self.answers, its_answers = pipe()
        arguments = [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-breakpad",
                     "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--no-first-run", "--hide-scrollbars", "--user-data-dir=" + os.path.join(folder, "profile"),
                     "--remote-debugging-pipe", "about:blank"]
        self.process = os.posix_spawnp(program, arguments, os.environ, setpgroup=0, file_actions=[
            (os.POSIX_SPAWN_DUP2, its_commands, 3), (os.POSIX_SPAWN_DUP2, its_answers, 4),
            (os.POSIX_SPAWN_OPEN, 1, self.log, os.O_WRONLY | os.O_CREAT, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)])
        os.close(its_commands)
        os.close(its_answers)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process, signal.SIGKILL)  # with its helpers, which are of its group
        os.waitpid(self.process, 0)
        os.close(self.commands)
        os.close(self.answers)

    def _message(self):
        while b"\0" not in self.buffer:
            left = self.deadline - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                raise TimeoutError("the browser does not answer in time")
            some = os.read(self.answers, 1 << 16)
            if not some:
                raise RuntimeError("the browser ended: " + pathlib.Path(self.log).read_text(errors="replace")[-2000:])
            self.buffer += some
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        """The result of a command; what happens meanwhile goes to `events`."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        while True:
            message = self._message()
            if message.get("id") != self.number:
                self.events.append(message)
            elif "error" in message:
                raise RuntimeError(f"{method}: {message['error']}")
            else:
                return message["result"]

    def open(self, path, width, height):
        """Returns when all of the page is there. `width` and `height` of the window, in pixels."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Page.navigate", url=pathlib.Path(path).resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._message())

    def complaints(self):
        """What scripts threw, and what the browser refused to do, as its console shows it."""
        return [event["params"] for event in self.events if event["method"] == "Runtime.exceptionThrown"
                or (event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error")]

    def value(self, script):
        """What a JavaScript expression gives, as JSON holds it."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def key(self, name, times=1):
        for _ in range(times):
            for kind in ("rawKeyDown", "keyUp"):
                self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=KEYS[name])

    def mouse(self, kind, x, y, held=True):
        """`kind`: mousePressed, mouseMoved or mouseReleased; `held`: the left button is down."""
        down = held and kind != "mouseReleased"
        button = "left" if held or kind == "mouseReleased" else "none"
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, buttons=int(down), clickCount=int(button == "left"))

    def tap(self, x, y):
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def screenshot(self, path):
        """What the window shows, as a PNG file."""
        pathlib.Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
