# SPDX-License-Identifier: BSD-2-Clause
"""
Standalone, among those who mean harm: requests of real managers with pieces changed, and receivers
of notifications that answer with anything. What is wrong shows best in a build with sanitizers.
"""

import random
import re
import select
import socket
import threading

import pytest

import upsmib
from harness import LOOPBACK, ON_LINE, Device, SnmpAgent, free_udp_port, snmp_access
from trapd import USER, Trapd

pytestmark = [pytest.mark.snmp_face, pytest.mark.peers("snmpget", "snmpbulkget", "snmpset")]

SEED = 1628
MODEL = "1.2.0"


class Relay(threading.Thread):
    """Between a manager and the agent; keeps what the manager sends."""

    def __init__(self, agent):
        super().__init__(daemon=True)
        self.near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.near.bind((LOOPBACK, 0))
        self.far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far.connect((LOOPBACK, agent.port))
        self.agent = SnmpAgent(self.near.getsockname()[1])
        self.packets, self.manager, self.ending = [], None, False
        self.start()

    def run(self):
        while not self.ending:
            for ready in select.select([self.near, self.far], [], [], 0.1)[0]:
                if ready is self.near:
                    packet, self.manager = self.near.recvfrom(65536)
                    self.packets.append(packet)
                    self.far.send(packet)
                else:
                    self.near.sendto(self.far.recv(65536), self.manager)

    def finish(self):
        self.ending = True
        self.join()
        self.near.close()
        self.far.close()
        return self.packets


def record(agent):
    """One packet of each kind that managers send."""
    relay = Relay(agent)
    for version in ("v1", "v2c", "v3"):
        for tool, words in (("snmpget", [upsmib.OBJECTS + MODEL, upsmib.OBJECTS + "2.1.0"]),
                            ("snmpgetnext", [upsmib.OBJECTS + "2"]),
                            ("snmpset", [upsmib.OBJECTS + "1.6.0", "s", "x"])):
            relay.agent.command(tool, *words, version=version, check=False)
    for version in ("v2c", "v3"):
        relay.agent.command("snmpbulkget", upsmib.OBJECTS + "3", version=version)
    packets = relay.finish()
    assert len(packets) >= 11
    return packets


def change(packet, dice):
    """The packet with something done to it."""
    data = bytearray(packet)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        if not data:
            break
        place = dice.randrange(len(data))
        way = dice.randrange(6)
        if way == 0:
            data[place] = dice.randrange(256)
        elif way == 1:
            data[place] ^= 1 << dice.randrange(8)
        elif way == 2:
            del data[place:place + dice.randrange(1, 9)]
        elif way == 3:
            data[place:place] = dice.randbytes(dice.randrange(1, 9))
        elif way == 4:
            # Lengths and counts that are far too large, or below nothing.
            data[place:place + 5] = dice.choice((b"\x84\xff\xff\xff\xff", b"\x84\x7f\xff\xff\xff",
                                                 b"\x82\xff\xff", b"\x80", b"\x04\x80\0\0\0"))
        else:
            end = dice.randrange(len(data))
            data[place:place] = data[min(place, end):max(place, end)]
    return bytes(data[:65000])


@pytest.mark.parametrize("write", ["no", "yes"])
def test_changed_requests(stage, write):
    port = free_udp_port()
    bridge = stage.bridge([Device("ups", ON_LINE)],
                          snmp=f"SNMP listen udp:{LOOPBACK}:{port}\nSNMP write {write}\n",
                          snmp_conf=snmp_access("ups").replace("rocommunity", "rwcommunity")
                          .replace("rouser", "rwuser"))
    agent = SnmpAgent(port)
    packets = record(agent)
    dice = random.Random(SEED)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.connect((LOOPBACK, port))
        for packet in packets:
            for _ in range(8):
                for _ in range(100):
                    sending.send(change(packet, dice))
                # Each lot is dealt with before the next comes, or most would be dropped.
                assert agent.get_text(MODEL) == "Bridge 1000"
    assert agent.get_text(MODEL, version="v3", context="ups") == "Bridge 1000"
    bridge.wait_value("ups", "ups.status", "OL")


class HostileReceiver(threading.Thread):
    """Takes notifications, and answers each in many wrong ways."""

    def __init__(self, dice):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((LOOPBACK, 0))
        self.port = self.socket.getsockname()[1]
        self.dice, self.ending, self.taken = dice, False, 0
        self.start()

    def run(self):
        while not self.ending:
            if not select.select([self.socket], [], [], 0.1)[0]:
                continue
            packet, sender = self.socket.recvfrom(65536)
            self.taken += 1
            # An inform as its own response, a probe as a report, changed or not.
            answers = [packet, re.sub(b"\xa6", b"\xa2", packet, count=1),
                       re.sub(b"[\xa0\xa6]", b"\xa8", packet, count=1)]
            for _ in range(60):
                self.socket.sendto(change(self.dice.choice(answers), self.dice), sender)
            self.socket.sendto(b"", sender)
            self.socket.sendto(self.dice.randbytes(1400), sender)

    def finish(self):
        self.ending = True
        self.join()
        self.socket.close()


@pytest.mark.peers("snmptrapd")
@pytest.mark.parametrize("seed", range(3))
def test_receivers_that_answer_with_anything(stage, seed):
    trapd = Trapd(stage.directory / "snmptrapd")
    stage.add(trapd, trapd.program).start()
    hostile = HostileReceiver(random.Random(seed))
    address, port = f"{LOOPBACK}:{hostile.port}", free_udp_port()
    bridge = stage.bridge([Device(f"ups{number}", ON_LINE) for number in range(20)],
                          snmp=f"SNMP listen udp:{LOOPBACK}:{port}\n",
                          snmp_conf=snmp_access() + f"informsink {address}\n"
                          f"trapsess -Ci -v3 {' '.join(USER)} -t 0.1 {address}\n"
                          f"trapsess -Ci -v3 -e 0x80001f8804616263 {' '.join(USER)} -t 0.1 {address}\n"
                          f"trapsess -v3 {' '.join(USER)} {address}\n"
                          f"informsink {trapd.address}\n")
    try:
        for device in bridge.devices:
            device.change(ups__status="OB")
        for device in bridge.devices:
            trapd.wait_what(device.name, "Added", 6)
        for device in bridge.devices:
            device.change(ups__status="OL")
        for device in bridge.devices:
            trapd.wait_what(device.name, "Removed", 6)
    finally:
        hostile.finish()
    assert hostile.taken > 20
    assert SnmpAgent(port).get_text(MODEL) == "Bridge 1000"
