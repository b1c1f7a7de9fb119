# SPDX-License-Identifier: BSD-2-Clause
"""
UPSes on a serial line: the answers of recorded devices (tests/data/serial), given by a thread at
the other end of a pseudo-terminal, which misbehaves as it is told.
"""

import os
import pathlib
import pty
import re
import select
import threading
import time
import tty

RECORDINGS = pathlib.Path(__file__).resolve().parents[1] / "data" / "serial"


def unescape(text):
    """The bytes that a recording means: \\r, \\n, \\xNN and \\\\ stand for one each."""
    escapes = {"r": b"\r", "n": b"\n", "\\": b"\\"}
    parts = re.split(r"\\(x[0-9A-Fa-f]{2}|.)", text)
    return b"".join(part.encode("latin-1") if not number % 2
                    else escapes.get(part) or bytes.fromhex(part[1:])
                    for number, part in enumerate(parts))


class Recording:
    """What a device answers, what it says to the rest, and what should come of it."""

    def __init__(self, name):
        self.name, self.answers, self.expected = name, {}, {}
        self.headers, self.verdict = {}, None
        query = None
        for line in (RECORDINGS / f"{name}.txt").read_text().splitlines():
            kind, _, rest = line.partition(" ")
            if kind == "#":
                header, _, value = rest.partition(": ")
                self.headers[header] = value
            elif kind == ">":
                query = unescape(rest)
                self.answers[query] = []
            elif kind == "<":
                self.answers[query].append(unescape(rest))
            elif kind == "=":
                variable, _, value = rest.partition(" ")
                self.expected[variable] = value
            elif kind == "!":
                self.verdict = rest


class SerialSection:
    """A section of ups.conf for a UPS on a serial line."""

    readings = {}  # its first poll is waited for

    def __init__(self, name, driver, port, **options):
        self.name, self.options = name, {"driver": driver, "port": str(port), **options}

    def place(self, directory):
        pass

    def section(self):
        lines = [f"[{self.name}]"]
        for key, value in self.options.items():
            key = key.replace("__", ".")
            lines.append(f"\t{key}" if value is True else f'\t{key} = "{value}"')
        return "\n".join(lines) + "\n\n"


class SerialUps:
    """A thread with the master's end of a pseudo-terminal; path is the line."""

    def __init__(self, recording):
        self.recording = Recording(recording) if isinstance(recording, str) else recording
        self.answers = {query: list(answers)
                        for query, answers in self.recording.answers.items()}
        self.unknown = self.recording.headers.get("unknown", "silent")
        self.lock = threading.Lock()
        self.asked, self.mood, self.delay = [], None, 0.0
        self.acknowledged, self.turns = {}, {}
        self.master, self.line = pty.openpty()
        tty.setraw(self.line)
        self.path = os.ttyname(self.line)
        os.chmod(self.path, 0o666)
        self.wake = os.pipe()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        pending = b""
        while True:
            ready = select.select([self.master, self.wake[0]], [], [])[0]
            if self.wake[0] in ready:
                return
            pending += os.read(self.master, 512)
            while b"\r" in pending:
                query, pending = pending.split(b"\r", 1)
                self.answer(query)

    def answer(self, query):
        with self.lock:
            self.asked.append((time.monotonic(), query))
            mood, delay = self.mood, self.delay
            reply = self.reply(query)
        if mood is not None:
            reply = mood(query, reply)
        time.sleep(delay)
        if reply:
            os.write(self.master, reply)

    def unplug(self):
        """The line is gone, as that of an adapter that is pulled out."""
        self.stop()

    def reply(self, query):
        """With the ending CR; empty: it says nothing."""
        if self.answers.get(query):
            turn = self.turns.get(query, 0)
            self.turns[query] = turn + 1
            return self.answers[query][turn % len(self.answers[query])] + b"\r"
        if query in self.answers:
            return b""
        if query in self.acknowledged:
            return self.acknowledged[query]
        return {"echo": query + b"\r", "NAK": b"NAK\r", "nak": b"nak\r", "NA": b"NA\r",
                "(nak": b"(NAK\r"}.get(self.unknown, b"")

    def set(self, query, *answers):
        with self.lock:
            self.answers[query.encode()] = [unescape(answer) for answer in answers]
            self.turns.pop(query.encode(), None)

    def behave(self, mood=None, delay=0.0):
        """mood(query, reply) says what is answered instead."""
        with self.lock:
            self.mood, self.delay = mood, delay

    def queries(self, since=0):
        with self.lock:
            return [query.decode("latin-1") for _, query in self.asked[since:]]

    def stop(self):
        if not self.thread.is_alive():
            return
        os.write(self.wake[1], b"x")
        self.thread.join()
        for descriptor in (self.master, self.line, *self.wake):
            os.close(descriptor)

    kill = stop
