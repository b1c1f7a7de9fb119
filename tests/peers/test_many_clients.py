# SPDX-License-Identifier: BSD-2-Clause
"""
Thousands of NUT clients that only stay connected, and the SNMP face in the same process: its
descriptors are above what select() can hold, and everything answers as if it were alone.
"""

import resource
import socket

import pytest

import upsmib
from harness import (LOOPBACK, ON_LINE, Device, SnmpAgent, free_udp_port, snmp_access, wait_until)

pytestmark = [pytest.mark.snmp_face, pytest.mark.peers("snmpget", "snmpbulkwalk")]

CLIENTS = 5000
# Files of either side beside the connections.
OTHERS = 200
MODEL = "1.2.0"


@pytest.fixture
def open_files():
    """The limit raised, for this process and those it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CLIENTS + OTHERS
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"{wanted} open files are needed, the hard limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def crowd(open_files):
    """Connects the clients; they are closed at the end."""
    clients = []

    def connect(bridge):
        for _ in range(CLIENTS):
            clients.append(socket.create_connection((LOOPBACK, bridge.port), timeout=20))
        # Accepted as well, the last one: it is answered.
        clients[-1].sendall(b"VER\n")
        assert clients[-1].recv(200).endswith(b"\n")
        return clients

    yield connect
    for client in clients:
        client.close()


def devices():
    return [Device("ups", ON_LINE), Device("other", ON_LINE.replace("Bridge 1000", "Model 2"))]


def assert_all_answer(bridge, agent, clients):
    with bridge.client() as client:
        assert client.value("ups", "ups.status") == "OL"
    assert agent.get_text(MODEL, community="ups") == "Bridge 1000"
    assert agent.get_text(MODEL, version="v3", context="other") == "Model 2"
    assert len(agent.walk(tool="snmpbulkwalk")) > 20
    bridge.device("ups").change(ups__status="OB", battery__charge="55")
    wait_until(lambda: agent.get_number("2.4.0") == 55, "the new charge by SNMP")
    bridge.device("ups").change(ups__status="OL")
    for client in clients[::500]:
        client.sendall(b"GET VAR other ups.status\n")
        assert client.recv(200) == b'VAR other ups.status "OL"\n'


def test_standalone_beside_thousands_of_clients(stage, crowd):
    port = free_udp_port()
    bridge = stage.bridge(devices(), snmp=f"SNMP listen udp:{LOOPBACK}:{port}\n",
                          snmp_conf=snmp_access("ups", "other"))
    clients = crowd(bridge)
    assert_all_answer(bridge, SnmpAgent(port), clients)


@pytest.mark.peers("snmpd")
def test_agentx_beside_thousands_of_clients(stage, crowd):
    """The master comes when the clients are there already, so that its descriptor is a high one."""
    snmpd = stage.snmpd(["ups", "other"], start=False)
    bridge = stage.bridge(devices(), snmp=f"SNMP agentx {snmpd.agentx}\n")
    clients = crowd(bridge)
    for _ in range(2):
        snmpd.start()
        wait_until(lambda: snmpd.agent.answers(upsmib.OBJECTS + MODEL, community="other"),
                   "the master serves the bridge")
        assert_all_answer(bridge, snmpd.agent, clients)
        snmpd.kill()
