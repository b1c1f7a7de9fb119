# SPDX-License-Identifier: BSD-2-Clause
"""The figures of tests/bench/run for UPSes with Modbus (tests/bench/modbus_units.c)."""

import contextlib
import re
import subprocess
import time
from pathlib import Path

import harness
from modbus_bench import MAPS, Section, dump_path

DUMP = "phoenix-quint4-synthetic"
STATUS = 0x2000  # a register that each poll reads first
DEVICES = 200
UNITS, BAUD, INTERVAL, DEAD = 32, 9600, 5, 7
REST = 30  # seconds: as long as every unit has one full poll


class Ups(Section):
    """A unit of the server's, polled each so many seconds."""

    def __init__(self, number, port, interval, **options):
        super().__init__(f"ups{number}", "phoenixcontact_modbus", port, **options)
        self.interval = interval

    def section(self):
        return super().section().replace("pollinterval = 1", f"pollinterval = {self.interval}")


class Units:
    """modbus_units, which tells what it has counted."""

    def __init__(self, bench, stack, *words):
        self.process = subprocess.Popen([bench.tool("modbus_units"), *map(str, words),
                                         dump_path(DUMP)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        stack.callback(self.stop)
        ready, _, self.path = self.process.stdout.readline().strip().partition(" ")
        assert ready == "ready", "modbus_units did not start"

    def counted(self):
        """Since the call before: requests, and microseconds: all, busy, the longest gap."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return [int(word) for word in self.process.stdout.readline().split()]

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def busy_seconds(pid):
    """Processor time so far, ended threads left out."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def started(bench, stack, name, devices):
    bridge = harness.Bridge(bench.build / "upsbridged", bench.folder(name), devices)
    bridge.program.env["UPSBRIDGE_MAPS"] = str(MAPS)
    stack.callback(bridge.stop)
    return bridge.start()


def missing(bench):
    """What these figures lack; None if they can be had."""
    if not re.search(r"\bmodbus\b", harness.run(bench.build / "upsbridged", "-V").out):
        return "this build has no Modbus driver"
    return None


def connections_row(bench, limit_row):
    """The processor's time for devices with a connection each."""
    with contextlib.ExitStack() as stack:
        port = harness.free_port()
        server = Units(bench, stack, "tcp", port, DEVICES)
        devices = [Ups(number, f"127.1.0.{number}:{port}", 1, unit=1)
                   for number in range(1, DEVICES + 1)]
        bridge = started(bench, stack, "modbus-tcp", devices)
        server.counted()
        before = busy_seconds(bridge.program.pid)
        time.sleep(REST)
        share = (busy_seconds(bridge.program.pid) - before) / REST * 100
        requests = server.counted()[0] / REST / DEVICES
        assert requests > 1.8, f"{requests} requests a second: not polled each second"
        return limit_row(f"Modbus/TCP: {DEVICES} devices polled each second, of one processor",
                         None, share, 10, "%", f"{requests:.2f} requests a second and device")


def line_rows(bench, limit_row, row):
    """A line with as much to do as it can, and one with a dead unit."""
    with contextlib.ExitStack() as stack:
        server = Units(bench, stack, "line", UNITS, BAUD, 0, STATUS)
        started(bench, stack, "modbus-line", [Ups(number, server.path, 1, **line(number))
                                              for number in range(1, UNITS + 1)])
        server.counted()
        time.sleep(REST)
        requests, all_us, busy_us, _ = server.counted()
        share = busy_us / all_us * 100
        yield row(f"Modbus: full line of {BAUD} Bd, {UNITS} units: time that is frames", "-",
                  f"{share:.1f} %", ">= 90 %", share >= 90,
                  f"{requests / REST:.1f} requests a second; a frame with the silence it ends with")
    with contextlib.ExitStack() as stack:
        server = Units(bench, stack, "line", UNITS, BAUD, DEAD, STATUS)
        started(bench, stack, "modbus-dead",
                [Ups(number, server.path, INTERVAL, answers=number != DEAD, **line(number))
                 for number in range(1, UNITS + 1)])
        server.counted()
        time.sleep(REST)
        longest = server.counted()[3] / 1e6
        yield limit_row("Modbus: such a line with one unit dead: longest between polls", None,
                        longest, 2 * INTERVAL, "s", f"of the others, polled each {INTERVAL} s; "
                        "the full polls among these")


def line(number):
    return {"unit": number, "baud": BAUD}


def modbus_bus_rows(bench, limit_row, row):
    yield connections_row(bench, limit_row)
    yield from line_rows(bench, limit_row, row)
