# SPDX-License-Identifier: BSD-2-Clause
"""
An APC Smart-UPS on a serial line: the answers of recorded devices (tests/data/serial) and the
manners of the protocol (smart mode, settings by "-", commands that must be said twice), given by a
thread at the other end of a pseudo-terminal, which misbehaves as it is told.
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
TWICE = {b"K": b"OK", b"Z": b"", b"\x0e": b"OK"}
ONCE = {b"A": b"OK", b"W": b"OK", b"U": b"OK", b"D": b"OK", b"^": b"BYP", b"\x7f": b"OK"}
TWICE_MINIMUM, TWICE_MAXIMUM = 1.5, 4.0


def unescape(text):
    """The bytes that a recording means: \\xNN stands for one."""
    return re.sub(rb"\\x([0-9A-Fa-f]{2})", lambda found: bytes.fromhex(found[1].decode()),
                  text.encode("latin-1"))


class Recording:
    """What a device answers and what should come of it."""

    def __init__(self, name):
        self.name, self.answers, self.expected = name, {}, {}
        query = None
        for line in (RECORDINGS / f"{name}.txt").read_text().splitlines():
            kind, _, rest = line.partition(" ")
            if kind == ">":
                query = unescape(rest)
            elif kind == "<":
                self.answers[query] = unescape(rest)
            elif kind == "=":
                variable, _, value = rest.partition(" ")
                self.expected[variable] = value


def capabilities(text, locale):
    """byte -> choices, of a capability string."""
    found, rest = {}, text.lstrip(b"#")
    while len(rest) >= 4:
        count, length = int(rest[2:3], 36), int(rest[3:4], 36)
        choices = [rest[4 + i * length:4 + (i + 1) * length] for i in range(count)]
        if rest[1:2] in (b"4", locale):
            found[rest[:1]] = choices
        rest = rest[4 + count * length:].lstrip(b"#")
    return found


class ApcUps:
    """A thread with the master's end of a pseudo-terminal; path is the line."""

    def __init__(self, recording):
        self.recording = Recording(recording)
        self.answers = dict(self.recording.answers)
        self.answers.pop(b"Y", None)
        locale = self.answers.get(b"b", b"")[-1:]
        self.choices = capabilities(self.answers.get(b"\x1a", b""), locale)
        self.lock = threading.Lock()
        self.heard, self.done = [], []
        self.smart, self.mood = False, None
        self.hard_sleep_digits = 3
        self.pending, self.last, self.last_time, self.asked = b"", b"", 0.0, b""
        self.master, self.line = pty.openpty()
        tty.setraw(self.line)
        self.path = os.ttyname(self.line)
        self.wake = os.pipe()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while self.wake[0] not in (ready := select.select([self.master, self.wake[0]], [], [])[0]):
            for number in os.read(self.master, 512) if ready else b"":
                byte, now = bytes([number]), time.monotonic()
                with self.lock:
                    self.heard.append((now, byte))
                    reply = self.take(byte, now)
                    mood = self.mood
                if mood is not None:
                    reply = mood(byte, reply)
                if reply:
                    os.write(self.master, reply)

    def take(self, byte, now):
        """The reply to a byte, with its ending; empty: it says nothing."""
        if byte == b"Y":
            self.smart, self.pending, self.last = True, b"", b""
            return b"SM\r\n"
        if not self.smart:
            return b""
        if self.pending:
            reply = self.take_more(byte)
        else:
            reply = self.take_first(byte, now)
        self.last, self.last_time = byte, now
        return reply + b"\r\n" if reply else b""

    def take_first(self, byte, now):
        if byte in (b"@", b"-") and (byte == b"@" or self.asked in (b"c", b"x")):
            self.pending = byte
            return b""
        if byte == b"-":
            return self.next_choice()
        if byte in TWICE:
            pause = now - self.last_time
            if self.last != byte or not TWICE_MINIMUM <= pause <= TWICE_MAXIMUM:
                return b""
            self.done.append(byte + byte)
            return TWICE[byte]
        if byte == b"S":
            if self.on_line():
                return b"NA"
            self.done.append(byte)
            return b"OK"
        if byte == b"R":
            self.smart = False
            return b"BYE"
        if byte in ONCE:
            self.done.append(byte)
            if byte == b"D":
                self.answers[b"Q"] = b"%02X" % (int(self.answers[b"Q"], 16) ^ 1)
            return ONCE[byte]
        self.asked = byte
        return self.answers.get(byte, b"NA")

    def take_more(self, byte):
        self.pending += byte
        if self.pending[:1] == b"@" and len(self.pending) == 1 + self.hard_sleep_digits:
            self.done.append(self.pending)
        elif self.pending[:1] == b"-" and len(self.pending) == 9:
            self.answers[self.asked] = self.pending[1:].rstrip(b"\r")
            self.done.append(self.asked + self.pending)
        else:
            return b""
        self.pending = b""
        return b"OK"

    def next_choice(self):
        choices = self.choices.get(self.asked)
        if not choices:
            return b"NO"
        current = self.answers[self.asked]
        position = choices.index(current) if current in choices else -1
        self.answers[self.asked] = choices[(position + 1) % len(choices)]
        self.done.append(self.asked + b"-")
        return b"OK"

    def on_line(self):
        return int(self.answers[b"Q"], 16) & 8 != 0

    def set(self, query, answer):
        with self.lock:
            self.answers[query.encode("latin-1")] = answer.encode("latin-1")

    def say(self, data):
        """Unasked."""
        os.write(self.master, data)

    def behave(self, mood=None):
        """mood(byte, reply) says what is answered instead."""
        with self.lock:
            self.mood = mood

    def did(self):
        """What was carried out so far."""
        with self.lock:
            return list(self.done)

    def bytes_heard(self, since=0):
        with self.lock:
            return [byte for _, byte in self.heard[since:]]

    def section(self, name, driver="apcsmart", **options):
        lines = {"driver": driver, "port": self.path, "pollinterval": 1, **options}
        return f"[{name}]\n" + "".join(
            f"    {key}\n" if value is None else f"    {key} = {value}\n"
            for key, value in lines.items())

    def stop(self):
        if self.thread.is_alive():
            os.write(self.wake[1], b"x")
            self.thread.join()
        for descriptor in (self.master, self.line, *self.wake):
            os.close(descriptor)

    kill = stop
