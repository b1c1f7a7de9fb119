# SPDX-License-Identifier: BSD-2-Clause
"""
The figures of tests/bench/run for notifications: from a UPS going on battery to the datagram at the
manager. Each device goes once, because the same notification is not sent twice in five seconds.
"""

import contextlib
import socket
import statistics
import time

import harness

DEVICES = 100
LATENCY_MS = 5
# snmpTrapOID.0 = upsTrapOnBattery
ON_BATTERY = bytes.fromhex("060a2b060106030101040100" "06082b06010201210201")


def latency_ms(bridge, manager):
    """The median from the change of the reading, which a thread has yet to notice."""
    times = []
    for device in bridge.devices:
        begin = time.perf_counter()
        device.change(ups__status="OB")
        while ON_BATTERY not in manager.recv(4096):
            pass
        times.append((time.perf_counter() - begin) * 1000)
    return statistics.median(times)


def start(bench, stack, name, agentx):
    manager = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    manager.bind((harness.LOOPBACK, 0))
    manager.settimeout(10)
    sink = f"trap2sink {harness.LOOPBACK}:{manager.getsockname()[1]} public\n"
    folder = bench.folder(f"traps-{name}")
    if agentx:
        snmpd = harness.Snmpd(folder / "snmpd", [], conf=sink)
        stack.callback(snmpd.stop)
        snmpd.start()
        snmp = {"snmp": f"SNMP agentx unix:{snmpd.agentx}\n"}
    else:
        snmp = {"snmp": f"SNMP listen udp:{harness.LOOPBACK}:{harness.free_udp_port()}\n",
                "snmp_conf": harness.snmp_access() + sink}
    bridge = harness.Bridge(bench.build / "upsbridged", folder / "etc",
                            [harness.Device(f"ups{number}", harness.ON_LINE)
                             for number in range(DEVICES)], **snmp)
    stack.callback(bridge.stop)
    bridge.start()
    if agentx:
        bridge.program.wait_log("AgentX: connected to the master")
    return bridge, manager


def trap_rows(bench, limit_row):
    for name, agentx in (("standalone", False), ("through snmpd", True)):
        with contextlib.ExitStack() as stack:
            bridge, manager = start(bench, stack, "agentx" if agentx else "standalone", agentx)
            yield limit_row(f"change of a UPS's reading to the trap at the manager, {name}, median",
                            None, latency_ms(bridge, manager), LATENCY_MS, "ms",
                            "with NUT: as long as upsmon does not poll, 5 s")
