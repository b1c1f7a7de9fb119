# SPDX-License-Identifier: BSD-2-Clause
"""
A UPS that speaks SHUT (HID over a serial line): the descriptors and reports of recorded devices
(tests/data/hid), framed by a thread at the other end of a pseudo-terminal, which misbehaves as it is
told.
"""

import os
import pathlib
import pty
import select
import struct
import threading
import time
import tty

RECORDINGS = pathlib.Path(__file__).resolve().parents[1] / "data" / "hid"
OK, NOK = 0x06, 0x15
SYNCS = (0x16, 0x17, 0x18)
REQUEST, RESPONSE, NOTIFICATION, LAST = 1, 4, 5, 0x80
STRINGS = {1: "EATON", 2: "Eaton 5SC 750", 3: "SN4711", 4: "PbAc"}


def frame(kind, data):
    checksum = 0
    for byte in data:
        checksum ^= byte
    return bytes([kind, len(data) << 4 | len(data)]) + data + bytes([checksum])


def frames(kind, data):
    """The frames that carry data, at most eight bytes each; the last is marked."""
    parts = [data[start:start + 8] for start in range(0, len(data), 8)] or [b""]
    return [frame(kind | (LAST if part is parts[-1] else 0), part) for part in parts]


class ShutUps:
    """A thread with the master's end of a pseudo-terminal; path is the line."""

    def __init__(self, recording):
        source = RECORDINGS / recording
        self.descriptor = bytes.fromhex(source.joinpath("descriptor.hex").read_text())
        self.reports = {}
        for line in source.joinpath("reports.txt").read_text().splitlines():
            if line[:2] in ("F ", "I "):
                kind, number, data = line.split(" ", 2)
                self.reports[(3 if kind == "F" else 1), int(number, 16)] = bytes.fromhex(data)
        self.lock = threading.Lock()
        self.requests, self.written, self.mood, self.muted = [], [], None, False
        self.buffer, self.outgoing, self.setup, self.said = b"", [], b"", []
        self.master, self.line = pty.openpty()
        tty.setraw(self.line)
        self.path = os.ttyname(self.line)
        self.wake = os.pipe()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while self.wake[0] not in (ready := select.select([self.master, self.wake[0]], [], [])[0]):
            if ready:
                data = os.read(self.master, 512)
                with self.lock:
                    self.buffer += data
                    self.said.append((time.monotonic(), data))
                    if self.muted:
                        self.buffer = b""
                    while self.take():
                        pass

    def send(self, data):
        if self.mood is not None:
            data = self.mood(data)
        if data:
            os.write(self.master, data)

    def take(self):
        """Takes one token or frame off the buffer; False: there is no whole one."""
        if not self.buffer:
            return False
        first = self.buffer[0]
        if first in SYNCS:
            self.buffer, self.outgoing, self.setup = self.buffer[1:], [], b""
            self.send(bytes([first]))
        elif first in (OK, NOK):
            self.buffer = self.buffer[1:]
            if self.outgoing and first == OK:
                self.outgoing.pop(0)
            if self.outgoing:
                self.send(self.outgoing[0])
        elif first & 0x7f in (REQUEST, RESPONSE):
            if len(self.buffer) < 2 or len(self.buffer) < 3 + (self.buffer[1] & 15):
                return False
            length = self.buffer[1] & 15
            data, checksum = self.buffer[2:2 + length], self.buffer[2 + length]
            self.buffer = self.buffer[3 + length:]
            if frame(0, data)[-1] != checksum:
                self.send(bytes([NOK]))
            else:
                self.send(bytes([OK]))
                self.request(first, data)
        else:
            self.buffer = self.buffer[1:]
        return True

    def request(self, kind, data):
        if not self.setup:
            self.setup, self.data = data, b""
            self.requests.append(data)
        else:
            self.data += data
        what, number, value, index, length = struct.unpack("<BBHHH", self.setup)
        if what & 0x80 == 0 and len(self.data) < length:
            return  # what is to be written comes in frames of its own
        if what & 0x80:
            answer = self.answer(number, value >> 8, value & 0xff)[:length]
            self.outgoing = frames(RESPONSE, answer)
            self.send(self.outgoing[0])
        else:
            self.written.append(self.data)
            self.reports[value >> 8, value & 0xff] = self.data
        self.setup = b""

    def answer(self, request, kind, number):
        if request == 1:
            return self.reports.get((kind, number), b"")
        if kind == 1:
            return struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x110, 0, 0, 0, 8, 0x463, 0xffff, 0x100,
                               1, 2, 3, 1)
        if kind == 0x21:
            return struct.pack("<BBHBBBH", 9, 0x21, 0x100, 33, 1, 0x22, len(self.descriptor))
        if kind == 0x22:
            return self.descriptor
        if kind == 3 and number == 0:
            return b"\4\3\x09\4"
        text = STRINGS.get(number, "").encode("utf-16-le")
        return bytes([2 + len(text), 3]) + text

    def notify(self, data):
        """An input report, unasked."""
        for part in frames(NOTIFICATION, data):
            os.write(self.master, part)

    def set(self, kind, number, data):
        with self.lock:
            self.reports[kind, number] = bytes.fromhex(data)

    def behave(self, mood=None, muted=False):
        """mood(bytes) says what is sent instead."""
        with self.lock:
            self.mood, self.muted = mood, muted

    def section(self, name, driver="mge-shut", **options):
        lines = {"driver": driver, "port": self.path, "pollinterval": 1, **options}
        return f"[{name}]\n" + "".join(f"\t{key} = {value}\n" for key, value in lines.items())

    def stop(self):
        if self.thread.is_alive():
            os.write(self.wake[1], b"x")
            self.thread.join()
        for descriptor in (self.master, self.line, *self.wake):
            os.close(descriptor)

    kill = stop
