# SPDX-License-Identifier: BSD-2-Clause
"""
The figures of tests/bench/run for the Modbus server: what it costs to poll a site, in processor time
of the daemon.
"""

import contextlib
import socket
import statistics
import struct
import time
from pathlib import Path

import harness

DEVICES = 10
REGISTERS = 100
ANSWER = 7 + 2 + 2 * REGISTERS
POLLS = 300  # in a row, for one figure


def busy_us(pid):
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in Path(f"/proc/{pid}/task").iterdir()) / 1e3


def poll(connection, requests):
    """All devices, one request after the other, as a controller does."""
    for request in requests:
        connection.sendall(request)
        answer = b""
        while len(answer) < ANSWER:
            data = connection.recv(ANSWER)
            assert data, "closed"
            answer += data
        assert answer[7] == 3 and len(answer) == ANSWER, answer


def modbus_rows(bench, device, limit_row):
    with contextlib.ExitStack() as stack:
        port = harness.free_port()
        devices = [harness.Device(f"ups{i}", device) for i in range(1, DEVICES + 1)]
        bridge = harness.Bridge(bench.build / "upsbridged", bench.folder("modbus") / "etc", devices,
                                snmp=f"SNMP off\nMODBUS listen {harness.LOOPBACK}:{port}\n")
        stack.callback(bridge.stop)
        bridge.start()
        bench.pin([bridge.program.pid])
        requests = [struct.pack(">HHHBBHH", unit, 0, 6, unit, 3, 0, REGISTERS)
                    for unit in range(1, DEVICES + 1)]
        connection = stack.enter_context(socket.create_connection((harness.LOOPBACK, port), 20))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        costs, times = [], []
        for _ in range(bench.rounds):
            busy, begin = busy_us(bridge.program.pid), time.perf_counter()
            for _ in range(POLLS):
                poll(connection, requests)
            costs.append((busy_us(bridge.program.pid) - busy) / POLLS)
            times.append((time.perf_counter() - begin) * 1e6 / POLLS)
        yield limit_row(f"Modbus: {REGISTERS} registers of {DEVICES} devices, processor", None,
                        statistics.median(costs), 500, "us",
                        f"a request each; {statistics.median(times):.0f} us until all are there")
