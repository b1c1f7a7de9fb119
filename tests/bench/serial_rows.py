# SPDX-License-Identifier: BSD-2-Clause
"""The figure of tests/bench/run for UPSes on serial lines: many of them, at rest."""

import contextlib
import time

import harness
from serial_ups import SerialSection, SerialUps
from usb_rows import busy_ms

COUNT = 50
RECORDING = "ippon-na-ta-1000"
SECONDS = 10
LIMIT_MS = 30  # a second: 3 % of one core


def serial_rows(bench, limit_row):
    """Polled once a second each, as few would be."""
    with contextlib.ExitStack() as stack:
        sections = []
        for number in range(COUNT):
            ups = SerialUps(RECORDING)
            stack.callback(ups.stop)
            sections.append(SerialSection(f"ups{number}", "nutdrv_qx", ups.path, pollinterval=1,
                                          protocol="megatec", novendor=True))
        bridge = harness.Bridge(bench.build / "upsbridged", bench.folder("serial"), sections)
        stack.callback(bridge.stop)
        bridge.start()
        before = busy_ms(bridge.program.pid)
        time.sleep(SECONDS)
        spent = (busy_ms(bridge.program.pid) - before) / SECONDS
        yield limit_row(f"{COUNT} serial UPSes polled each second, processor", None, spent,
                        LIMIT_MS, "ms/s")
