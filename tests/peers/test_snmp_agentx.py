# SPDX-License-Identifier: BSD-2-Clause
"""
Life as an AgentX subagent of a real snmpd: whoever comes first, a master that dies, hangs or is
taken already, devices that join and leave. Whatever the master does, the NUT face goes on.
"""

import resource
import signal
import socket
import threading
import time

import pytest

import upsmib
from harness import (ANSWER_DEADLINE, DATA, LOOPBACK, ON_LINE, START_DEADLINE, UPS_MIB, Device,
                     free_port, wait_until)

pytestmark = [pytest.mark.snmp_face,
              pytest.mark.peers("snmpget", "snmpbulkwalk", "snmpd")]

MODEL = "1.2.0"
# What a restart of the master may take until walks are back.
RECONNECT_DEADLINE = 5
# No NUT client waits longer, whatever the master does. The bound of the design is 50 ms; the rest
# is for a loaded machine.
STALL_BOUND = 1


def devices():
    return [Device("ups", ON_LINE), Device("eaton", DATA / "eaton-5sc-750.dev")]


def contexts():
    return ["ups", "eaton", "late"]


def addresses(kind):
    """agentXSocket in snmpd.conf, and a function that makes upsbridge.conf's line."""
    tcp = f"tcp:{LOOPBACK}:{free_port()}"
    return {
        "tcp": (tcp, lambda snmpd: f"SNMP agentx {tcp}\n"),
        "unix": (None, lambda snmpd: f"SNMP agentx unix:{snmpd.agentx}\n"),
        "path": (None, lambda snmpd: f"SNMP agentx {snmpd.agentx}\n"),
    }[kind]


@pytest.fixture(params=["unix", "tcp"])
def kind(request):
    return request.param


class Pair:
    """snmpd and upsbridged, started or not."""

    def __init__(self, stage, kind="unix", snmpd_first=True, name="upsbridged", **settings):
        agentx, line = addresses(kind)
        self.stage, self.line = stage, line
        self.snmpd = stage.snmpd(contexts(), start=snmpd_first, agentx=agentx)
        self.bridge = stage.bridge(devices(), snmp=line(self.snmpd), name=name, **settings)
        self.agent = self.snmpd.agent

    def wait_served(self, timeout=START_DEADLINE, context="ups"):
        wait_until(lambda: self.agent.answers(community=context), f"walks of {context} answer",
                   timeout)

    def restart_snmpd(self):
        self.snmpd.kill()
        self.snmpd.start()


class Walker(threading.Thread):
    """Walks all the time, as a poller does that never tires."""

    def __init__(self, agent):
        super().__init__()
        self.agent, self.ending, self.walks, self.failed = agent, False, 0, None
        self.start()

    def run(self):
        try:
            while not self.ending:
                done = self.agent.command("snmpbulkwalk", UPS_MIB, community="ups", timeout=1,
                                          retries=0, check=False)
                self.walks += done.returncode == 0 and UPS_MIB + ".1.8.5.0 = " in done.out
        except Exception as problem:  # pylint: disable=broad-except
            self.failed = problem

    def finish(self):
        self.ending = True
        self.join()
        assert self.failed is None, self.failed


class NutWatch(threading.Thread):
    """A NUT client that asks all the time, and notes the longest wait for an answer."""

    def __init__(self, bridge):
        super().__init__()
        self.client = bridge.client()
        self.ending, self.answers, self.longest, self.failed = False, 0, 0, None
        self.start()

    def run(self):
        try:
            while not self.ending:
                asked = time.monotonic()
                answer = self.client.ask("GET VAR ups ups.status")
                self.longest = max(self.longest, time.monotonic() - asked)
                assert answer.startswith("VAR ups ups.status "), answer
                self.answers += 1
                time.sleep(0.005)
        except Exception as problem:  # pylint: disable=broad-except
            self.failed = problem

    def finish(self):
        """Fails if there was a stall, or a wrong answer."""
        wait_until(lambda: self.answers > 10 or self.failed, "answers to the NUT client")
        self.ending = True
        self.join()
        self.client.close()
        assert self.failed is None, self.failed
        assert self.longest < STALL_BOUND, f"a NUT client waited {self.longest:.3f} s"


@pytest.fixture
def watch():
    """Makes NUT clients that watch for stalls; the test calls finish() of each."""
    made = []

    def make(bridge):
        made.append(NutWatch(bridge))
        return made[-1]
    yield make
    for client in made:
        client.ending = True
        client.join()


# Coming up --------------------------------------------------------------------------------------

@pytest.mark.parametrize("way", ["unix", "path", "tcp"])
def test_the_master_comes_first(stage, way):
    pair = Pair(stage, way)
    pair.wait_served()
    assert pair.agent.get_text(MODEL) == "Bridge 1000"
    assert pair.agent.get_text(MODEL, community="eaton") == "Eaton 5SC 750"
    assert pair.agent.get_text(MODEL, version="v3", context="eaton") == "Eaton 5SC 750"


def test_the_master_comes_later(stage, kind, watch):
    pair = Pair(stage, kind, snmpd_first=False)
    client = watch(pair.bridge)
    pair.bridge.wait_value("ups", "ups.status", "OL")
    pair.snmpd.start()
    pair.wait_served(RECONNECT_DEADLINE)
    client.finish()


def test_a_wrong_address(stage):
    """A wrong address is a matter of SNMP alone, and of a log line that names it."""
    bridge = stage.bridge(devices(), snmp="SNMP agentx unix:/nonexistent/agentx\n")
    bridge.program.wait_log(r"/nonexistent/agentx")
    bridge.wait_value("ups", "ups.status", "OL")


def test_a_plain_file_is_no_master(stage, tmp_path):
    path = tmp_path / "agentx"
    path.write_text("not a socket")
    bridge = stage.bridge(devices(), snmp=f"SNMP agentx unix:{path}\n")
    bridge.program.wait_log(str(path))
    bridge.wait_value("ups", "ups.status", "OL")
    assert path.read_text() == "not a socket"


def test_the_other_default_device(stage):
    snmpd = stage.snmpd(contexts())
    stage.bridge(devices(), snmp=f"SNMP agentx unix:{snmpd.agentx}\nSNMP default eaton\n")
    wait_until(lambda: snmpd.agent.get_text(MODEL) == "Eaton 5SC 750", "the default device")


def test_a_stop_leaves_nothing_behind(stage):
    pair = Pair(stage)
    pair.wait_served()
    pair.bridge.stop()
    wait_until(lambda: pair.agent.get(MODEL) == [None], "the subtree is gone from the master")
    pair.bridge.start()
    pair.wait_served()


# The master dies --------------------------------------------------------------------------------

def test_the_master_is_killed_under_load(stage, kind, watch):
    pair = Pair(stage, kind)
    pair.wait_served()
    walker, client = Walker(pair.agent), watch(pair.bridge)
    try:
        wait_until(lambda: walker.walks > 3, "walks before")
        for _ in range(2):
            pair.restart_snmpd()
            pair.wait_served(RECONNECT_DEADLINE)
            before = walker.walks
            wait_until(lambda: walker.walks > before + 1, "walks go on")
    finally:
        walker.finish()
    client.finish()
    assert pair.agent.get_text(MODEL, community="eaton") == "Eaton 5SC 750"
    assert pair.agent.get_text(MODEL) == "Bridge 1000"


def test_the_master_is_gone_for_a_while(stage, watch):
    """Back-off may not grow so far that a master that returns is not seen in time. (Seven seconds
    are in the midst of a pause, if pauses double from a tenth of a second without a bound.)"""
    pair = Pair(stage)
    pair.wait_served()
    client = watch(pair.bridge)
    pair.snmpd.kill()
    deadline = time.monotonic() + 7
    while time.monotonic() < deadline:
        pair.bridge.wait_value("eaton", "ups.status", "OL CHRG TRIM OFF")
        time.sleep(0.2)
    pair.snmpd.start()
    pair.wait_served(RECONNECT_DEADLINE)
    client.finish()


def test_alarms_outlive_the_master(stage):
    """Rows keep their ids over a restart of snmpd; sysUpTime begins anew, so they read 0."""
    pair = Pair(stage)
    pair.wait_served()
    ups = pair.bridge.device("ups")
    for status in ("OB", "OL", "OB"):
        ups.change(ups__status=status)
        wait_until(lambda: pair.agent.get_number("6.1.0") == (2 if status == "OB" else 0), status)
    before = pair.agent.walk(upsmib.OBJECTS + "6.2.1.2")
    wait_until(lambda: pair.agent.get_number("2.2.0") >= 1, "a second on battery")
    pair.restart_snmpd()
    pair.wait_served(RECONNECT_DEADLINE)
    assert pair.agent.walk(upsmib.OBJECTS + "6.2.1.2") == before
    times = pair.agent.walk(upsmib.OBJECTS + "6.2.1.3")
    assert len(times) == 2
    assert all(value.startswith("Timeticks: (0)") for value in times.values()), times
    ups.change(ups__status="OB OVER")
    wait_until(lambda: pair.agent.get_number("6.1.0") == 3, "a fresh alarm")
    up_time = pair.agent.get_number(upsmib.SYSTEM + "3.0")
    newest = list(pair.agent.walk(upsmib.OBJECTS + "6.2.1.3").values())[-1]
    assert 0 < int(newest.split("(")[1].split(")")[0]) <= up_time + 10


# The master hangs -------------------------------------------------------------------------------

def observe(bridge, seconds):
    """A bounded window in which the UPS's file flips, and the NUT face tells it each time."""
    deadline = time.monotonic() + seconds
    ups, flips = bridge.device("ups"), 0
    while time.monotonic() < deadline:
        status = "OB" if flips % 2 == 0 else "OL"
        ups.change(ups__status=status)
        bridge.wait_value("ups", "ups.status", status)
        flips += 1
        time.sleep(0.1)
    ups.change(ups__status="OL")
    bridge.wait_value("ups", "ups.status", "OL")


def test_a_stopped_master_stalls_nobody(stage, kind, watch):
    pair = Pair(stage, kind)
    pair.wait_served()
    client = watch(pair.bridge)
    pair.snmpd.program.signal(signal.SIGSTOP)
    observe(pair.bridge, 6)
    pair.snmpd.program.signal(signal.SIGCONT)
    pair.wait_served()
    client.finish()
    assert pair.agent.get_number("4.1.0", community="ups") == upsmib.MAINS


def test_a_master_that_is_stopped_when_we_start(stage, kind, watch):
    agentx, line = addresses(kind)
    snmpd = stage.snmpd(contexts(), agentx=agentx)
    snmpd.program.signal(signal.SIGSTOP)
    bridge = stage.bridge(devices(), snmp=line(snmpd))
    client = watch(bridge)
    observe(bridge, 4)
    snmpd.program.signal(signal.SIGCONT)
    wait_until(lambda: snmpd.agent.answers(community="ups"), "served once the master wakes",
               START_DEADLINE)
    client.finish()


def test_a_stopped_master_does_not_hinder_a_stop(stage):
    pair = Pair(stage)
    pair.wait_served()
    pair.snmpd.program.signal(signal.SIGSTOP)
    started = time.monotonic()
    pair.bridge.stop()
    assert time.monotonic() - started < 10
    pair.snmpd.program.signal(signal.SIGCONT)


def test_a_stopped_master_does_not_hinder_a_reload(stage, watch):
    pair = Pair(stage)
    pair.wait_served()
    client = watch(pair.bridge)
    pair.snmpd.program.signal(signal.SIGSTOP)
    add_late(pair.bridge)
    pair.bridge.wait_value("late", "ups.status", "OL")
    observe(pair.bridge, 1)
    pair.snmpd.program.signal(signal.SIGCONT)
    pair.wait_served(context="late")
    client.finish()


# Many NUT clients -------------------------------------------------------------------------------

@pytest.fixture
def crowd():
    """Makes NUT connections beyond FD_SETSIZE, where select() and its sets end."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip(f"no more than {hard} descriptors are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, hard))
    sockets = []

    def make(bridge, count=1200):
        for _ in range(count):
            sockets.append(socket.create_connection((LOOPBACK, bridge.port)))
        sockets[-1].sendall(b"VER\n")
        assert sockets[-1].recv(100)
    yield make
    for connection in sockets:
        connection.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_master_comes_back_among_many_clients(stage, kind, crowd):
    """The session that is opened anew gets a descriptor above 1024."""
    pair = Pair(stage, kind, upsd_conf="MAXCONN 3000\n")
    pair.wait_served()
    crowd(pair.bridge)
    pair.restart_snmpd()
    pair.wait_served(RECONNECT_DEADLINE)
    assert pair.agent.get_text(MODEL, community="eaton") == "Eaton 5SC 750"
    with pair.bridge.client() as client:
        assert client.value("ups", "ups.status") == "OL"


# Two of us --------------------------------------------------------------------------------------

def test_a_second_upsbridged_at_the_same_master(stage):
    """What another has registered is told in the log; NUT is served, the first one goes on."""
    pair = Pair(stage)
    pair.wait_served()
    second = stage.bridge(devices(), name="second", snmp=pair.line(pair.snmpd))
    second.program.wait_log(r"(?i)duplicate|already")
    second.wait_value("ups", "ups.status", "OL")
    assert pair.agent.get_text(MODEL) == "Bridge 1000"
    second.device("ups").change(ups__model="The second")
    second.wait_value("ups", "ups.model", "The second")
    assert pair.agent.get_text(MODEL, community="ups") == "Bridge 1000"


def test_a_second_upsbridged_takes_over(stage):
    """A spare one serves once the first has ended."""
    pair = Pair(stage)
    pair.wait_served()
    second = stage.bridge(devices(), name="second", snmp=pair.line(pair.snmpd))
    second.program.wait_log(r"(?i)duplicate|already")
    second.device("ups").change(ups__model="The second")
    second.wait_value("ups", "ups.model", "The second")
    pair.bridge.stop()
    wait_until(lambda: pair.agent.get(MODEL, community="ups") == ['STRING: "The second"'],
               "the second one serves", START_DEADLINE)


# Devices join and leave -------------------------------------------------------------------------

def add_late(bridge):
    late = Device("late", ON_LINE.replace("Bridge 1000", "Late 1"))
    late.place(bridge.directory)
    bridge.devices.append(late)
    bridge.write_configuration()
    bridge.reload()


def test_devices_join_and_leave(stage, kind, watch):
    pair = Pair(stage, kind)
    pair.wait_served()
    client = watch(pair.bridge)
    assert not pair.agent.answers(community="late")
    add_late(pair.bridge)
    pair.wait_served(context="late")
    wait_until(lambda: pair.agent.get_text(MODEL, community="late") == "Late 1",
               "the first reading of the new device")
    assert pair.agent.get_text(MODEL, version="v3", context="late") == "Late 1"
    assert pair.agent.get_text(MODEL, community="eaton") == "Eaton 5SC 750"

    pair.bridge.devices = [d for d in pair.bridge.devices if d.name != "eaton"]
    pair.bridge.write_configuration()
    pair.bridge.reload()
    wait_until(lambda: not pair.agent.answers(community="eaton"), "the context is gone")
    assert pair.agent.get_text(MODEL, community="late") == "Late 1"
    assert pair.agent.get_text(MODEL, community="ups") == "Bridge 1000"
    client.finish()


def test_the_default_device_leaves(stage):
    pair = Pair(stage)
    pair.wait_served()
    pair.bridge.devices = [d for d in pair.bridge.devices if d.name != "ups"]
    pair.bridge.write_configuration()
    pair.bridge.reload()
    wait_until(lambda: pair.agent.get(MODEL) == ['STRING: "Eaton 5SC 750"'],
               "the next device is the default one")


def test_a_device_that_joined_while_the_master_was_gone(stage):
    pair = Pair(stage)
    pair.wait_served()
    pair.snmpd.kill()
    add_late(pair.bridge)
    pair.bridge.wait_value("late", "ups.status", "OL")
    pair.snmpd.start()
    pair.wait_served(RECONNECT_DEADLINE, context="late")
    pair.wait_served(context="eaton")


def test_changes_are_seen_through_the_master(stage):
    pair = Pair(stage)
    pair.wait_served()
    pair.bridge.device("ups").change(battery__charge="41")
    wait_until(lambda: pair.agent.get_number("2.4.0") == 41, "the new charge")
    pair.bridge.device("ups").change(ups__status="OB LB")
    wait_until(lambda: pair.agent.get_number("2.1.0") == upsmib.LOW, "low battery")


def element(kind, contents):
    """A BER element."""
    size = len(contents)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([kind]) + length + contents


def error_status_of_get(agent, count):
    """Asks for the model so many times over in one request, more often than snmpget can."""
    model = element(0x30, element(6, bytes([0x2b, 6, 1, 2, 1, 33, 1, 1, 2, 0])) + b"\x05\x00")
    number = element(2, (1000).to_bytes(2, "big"))
    zero = element(2, b"\x00")
    request = element(0xa0, number + zero + zero + element(0x30, model * count))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(ANSWER_DEADLINE)
        asking.sendto(element(0x30, element(2, b"\x01") + element(4, b"public") + request),
                      (LOOPBACK, agent.port))
        answer = asking.recv(65536)
    return answer[answer.index(number) + len(number) + 2]


@pytest.mark.parametrize("count, status", [(700, 1), (3000, 5)], ids=["tooBig", "genErr"])
def test_a_request_for_too_much_ends_nothing(stage, count, status):
    """Neither an answer above what AgentX carries, nor a question the library cannot read."""
    pair = Pair(stage)
    pair.bridge.device("ups").write(ON_LINE.replace("Bridge 1000", "M" * 63))
    wait_until(lambda: pair.agent.answers() and pair.agent.get_text(MODEL) == "M" * 63, "the model")
    mark = len(pair.bridge.program.log())
    assert error_status_of_get(pair.agent, count) == status
    assert pair.agent.get_text(MODEL) == "M" * 63
    assert "is gone" not in pair.bridge.program.log()[mark:]
