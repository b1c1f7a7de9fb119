# SPDX-License-Identifier: BSD-2-Clause
"""
The Q protocols over USB bridges: tests/sim/usb_testbed is the bridge, and a thread the UPS behind
it, which answers as recorded ones did.
"""

import os
import threading

import pytest

from serial_ups import Recording
from usb_testbed import RECORDINGS, UsbUps

pytestmark = pytest.mark.usb

MEC = "mec0003-2795"
# Eight bytes in, eight bytes out, of no meaning that HID has.
DESCRIPTOR = ("06 00 ff 09 01 a1 01 15 00 26 ff 00 75 08 95 08 09 01 81 02 95 08 09 02 91 02 c0\n")
IDS = {"cypress": "0665:5161", "phoenix": "06da:0601", "sgs": "0483:0035"}
ON_BATTERY = b"(000.0 000.0 227.0 029 49.9 24.1 29.0 10001000"


class BridgedUps:
    """Looks for what was written, and answers each whole line."""

    def __init__(self, stage, framing):
        self.answers = {query: answers[0]
                        for query, answers in Recording(MEC).answers.items() if answers}
        folder = stage.directory / framing
        folder.mkdir()
        (folder / "device.txt").write_text(f"vidpid: {IDS[framing]}\nproduct: USB to Serial\n")
        (folder / "descriptor.hex").write_text(DESCRIPTOR)
        self.testbed = stage.usb_testbed(ups=os.path.relpath(folder, RECORDINGS))
        self.counts = framing == "sgs"
        self.pending, self.asked = b"", []
        self.ending = threading.Event()
        self.lock = threading.Lock()  # of the testbed's pipe
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        stage.add(self)

    def run(self):
        while not self.ending.wait(0.01):
            with self.lock:
                writes = self.testbed.writes("ups")
            for write in writes:
                self.take(write)

    def take(self, write):
        content = bytes.fromhex("".join(write.split()[2:]))
        self.pending += content[1:1 + content[0]] if self.counts else content.rstrip(b"\0")
        while b"\r" in self.pending:
            query, self.pending = self.pending.split(b"\r", 1)
            self.asked.append(query)
            if query in self.answers:
                self.send(self.answers[query] + b"\r")

    def send(self, line):
        room = 7 if self.counts else 8
        for at in range(0, len(line), room):
            part = line[at:at + room]
            report = bytes([len(part)]) + part if self.counts else part
            with self.lock:
                self.testbed.ask(f"INPUT ups {report.ljust(8, bytes(1)).hex(' ')}")

    def stop(self):
        self.ending.set()
        self.thread.join()


@pytest.mark.parametrize("framing", sorted(IDS))
def test_a_ups_behind_a_bridge(stage, framing):
    ups = BridgedUps(stage, framing)
    bridge = stage.usb_bridge(ups.testbed, [UsbUps("ups", driver="nutdrv_qx", pollinterval=1,
                                                   norating=True, novendor=True)])
    with bridge.client() as client:
        found = client.variables("ups")
    assert {name: found.get(name) for name in Recording(MEC).expected} == Recording(MEC).expected
    ups.answers[b"Q1"] = ON_BATTERY
    bridge.wait_value("ups", "ups.status", "OB")
    with bridge.client() as client:
        client.authenticate("admin", "secret")
        assert client.ask("INSTCMD ups shutdown.return").startswith("OK")
    bridge.wait_value("ups", "ups.status", lambda status: b"S.5R0003" in ups.asked)


def test_a_bridge_that_is_pulled_out(stage):
    ups = BridgedUps(stage, "cypress")
    bridge = stage.usb_bridge(ups.testbed, [UsbUps("ups", driver="blazer_usb", pollinterval=1,
                                                   norating=True, novendor=True)])
    with ups.lock:
        ups.testbed.ask("UNPLUG ups")
    bridge.program.wait_log(r"\[ups\] lost")
