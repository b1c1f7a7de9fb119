# SPDX-License-Identifier: BSD-2-Clause
"""
The figures of tests/bench/run for USB UPSes: upsbridged beside NUT's usbhid-ups on the same
emulated device (tests/sim/usb_testbed).
"""

import contextlib
import os
import re
import socket
import statistics
import time
from pathlib import Path

import harness
from usb_testbed import UsbTestbed, UsbUps, find_testbed, under_testbed

RECORDING = "apc-back-ups-es-850g2"
ON_LINE, ON_BATTERY = "16 0c 00 00 00", "16 0a 00 00 00"
CHANGES = 100  # of the status, for a median
LATENCY_MS = 20
# GET of upsOutputSource, SNMPv2c, community public: the answer ends with normal(3) or battery(5).
OUTPUT_SOURCE = bytes.fromhex("302802010104067075626c6963a01b02010102010002010030"
                              "10300e060a2b0601020121010401000500")


class Sight:
    """What a client of one face sees: on battery, or not."""

    def __init__(self, client=None, snmp_port=None):
        self.client = client
        if snmp_port is not None:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.settimeout(5)
            self.socket.connect((harness.LOOPBACK, snmp_port))

    def on_battery(self):
        if self.client is not None:
            return "OB" in (self.client.value("ups", "ups.status") or "").split()
        self.socket.send(OUTPUT_SOURCE)
        return self.socket.recv(2048)[-1] == 5


def latency_ms(testbed, sight):
    """The median from the device's report to what the client sees."""
    times = []
    for i in range(CHANGES):
        wanted = i % 2 == 0
        begin = time.perf_counter()
        testbed.ask(f"INPUT ups {ON_BATTERY if wanted else ON_LINE}")
        deadline = time.monotonic() + 10
        while sight.on_battery() != wanted:
            assert time.monotonic() < deadline, "the report was lost"
        times.append((time.perf_counter() - begin) * 1000)
    return statistics.median(times)


def busy_ms(pid):
    """Processor time so far; the program's, not that of the emulation."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in Path(f"/proc/{pid}/task").iterdir()) / 1e6


class Idle:
    """A driver on a device of its own that has nothing to say."""

    def __init__(self, bench, stack, name):
        self.directory = bench.folder(f"usb-{name}")
        self.testbed = UsbTestbed(find_testbed(bench.build / "upsbridged"), self.directory,
                                  ups=RECORDING)
        stack.callback(self.testbed.stop)
        self.program = None

    def measure(self, seconds):
        """Milliseconds of processor a second."""
        before = busy_ms(self.program.pid)
        time.sleep(seconds)
        return (busy_ms(self.program.pid) - before) / seconds


def start_ours(bench, stack, snmp_port):
    idle = Idle(bench, stack, "ours")
    snmp = {"snmp": f"SNMP listen udp:{harness.LOOPBACK}:{snmp_port}\n",
            "snmp_conf": harness.snmp_access()} if bench.snmp else {}
    bridge = harness.Bridge(bench.build / "upsbridged", idle.directory / "etc", [UsbUps("ups")],
                            **snmp)
    under_testbed(bridge.program, idle.testbed)
    stack.callback(bridge.stop)
    bridge.start()
    idle.program = bridge.program
    return idle, bridge


def start_theirs(bench, stack):
    idle = Idle(bench, stack, "theirs")
    harness.write(idle.directory / "ups.conf", UsbUps("ups").section())
    state = idle.directory / "state"
    state.mkdir()
    user = ["-u", "root"] if os.geteuid() == 0 else []
    idle.program = harness.Program(
        "usbhid-ups", idle.directory,
        ["umockdev-wrapper", harness.nut_program("usbhid-ups"), "-a", "ups", *user, "-D"],
        {**idle.testbed.environment(), "NUT_CONFPATH": str(idle.directory),
         "NUT_STATEPATH": str(state), "NUT_ALTPIDPATH": str(state)}).start()
    stack.callback(idle.program.stop)
    harness.wait_until(lambda: idle.testbed.counts("ups")["get"] > 30, "usbhid-ups polls")
    return idle


def missing(bench):
    """What these figures lack; None if they can be had."""
    if find_testbed(bench.build / "upsbridged") is None:
        return "this build has no tests/sim/usb_testbed"
    if harness.find_program("umockdev-wrapper") is None:
        return "umockdev is not installed"
    if not re.search(r"\busbhid\b", harness.run(bench.build / "upsbridged", "-V").out):
        return "this build has no USB driver"
    return None


def usb_rows(bench, limit_row):
    with contextlib.ExitStack() as stack:
        snmp_port = harness.free_udp_port()
        ours, bridge = start_ours(bench, stack, snmp_port)
        first = ours.testbed.counts("ups")
        theirs = start_theirs(bench, stack)
        # Some seconds, so that both are past their first readings.
        time.sleep(3)
        their_first = theirs.testbed.counts("ups")
        rest = 30
        our_share, their_share = ours.measure(rest), theirs.measure(rest)
        yield limit_row("USB: processor at rest, all of ours / their driver alone", their_share,
                        our_share, round(their_share, 2), "ms/s")
        yield limit_row("USB: how often the first poll asks for one report",
                        their_first["most"], first["most"], 1, "times",
                        f"requests: theirs {their_first['get']}, ours {first['get']}")
        with bridge.client() as client:
            yield limit_row("USB: interrupt report to NUT client, median", None,
                            latency_ms(ours.testbed, Sight(client=client)), LATENCY_MS, "ms")
        if bench.snmp:
            yield limit_row("USB: interrupt report to SNMP manager, median", None,
                            latency_ms(ours.testbed, Sight(snmp_port=snmp_port)), LATENCY_MS, "ms")
