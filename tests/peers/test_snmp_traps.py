# SPDX-License-Identifier: BSD-2-Clause
"""
Notifications through the AgentX master: real snmpd with sinks of each kind, and snmptrapd, which
decodes what they get. (Standalone is in test_snmp_sinks.py.)
"""

import signal

import pytest

import upsmib
from harness import LOOPBACK, ON_LINE, Device, free_port, run, wait_until
from trapd import (ALARM_DESCR, ALARM_ID, BRIDGE_TRAPS, DEVICE_NAME, ENGINE, IDENT_NAME, TRAPS,
                   USER, Trapd)

pytestmark = [pytest.mark.snmp_face, pytest.mark.peers("snmpd", "snmptrapd")]

OBJECTS = upsmib.OBJECTS
# upsTrapOnBattery is repeated each minute.
MINUTE_DEADLINE = 90


def start_trapd(stage, **settings):
    trapd = Trapd(stage.directory / settings.get("name", "snmptrapd"), **settings)
    return stage.add(trapd, trapd.program).start()


def v2c_sink(trapd):
    return f"trap2sink {trapd.address} public\n"


class Trio:
    """upsbridged, its master, and what the master's sinks are."""

    def __init__(self, stage, sinks=v2c_sink, devices=None, agentx=None):
        self.trapd = start_trapd(stage)
        self.snmpd = stage.snmpd(["ups"], conf=sinks(self.trapd), agentx=agentx)
        address = agentx or f"unix:{self.snmpd.agentx}"
        self.bridge = stage.bridge(devices or [Device("ups", ON_LINE)],
                                   snmp=f"SNMP agentx {address}\n")
        self.bridge.program.wait_log("AgentX: connected to the master")
        self.ups = self.bridge.devices[0]

    def restart_snmpd(self):
        self.snmpd.kill()
        self.snmpd.start()


def names(notification):
    return [oid for oid, _ in notification.objects]


def values(notification):
    return [value for _, value in notification.objects]


# Each notification ------------------------------------------------------------------------------

def test_on_battery(stage):
    trio = Trio(stage)
    trio.ups.change(ups__status="OB", battery__runtime="1234", battery__runtime__low="120")
    told = trio.trapd.wait_what("ups", "OnBattery")[0]
    assert told.oid == TRAPS + "1"
    assert names(told) == [OBJECTS + "2.3.0", OBJECTS + "2.2.0", OBJECTS + "9.7.0", IDENT_NAME]
    assert values(told) == ["INTEGER: 20", "INTEGER: 0", "INTEGER: 2", 'STRING: "ups"']
    up_time = trio.snmpd.agent.get_number(upsmib.SYSTEM + "3.0")
    assert 0 < int(told.variables[0][1].split("(")[1].split(")")[0]) <= up_time


def test_what_a_notification_must_have_is_0_if_it_is_not_known(stage):
    trio = Trio(stage, devices=[Device("ups", "ups.status: OL\n")])
    trio.ups.change(ups__status="OB")
    told = trio.trapd.wait_what("ups", "OnBattery")[0]
    assert values(told)[:3] == ["INTEGER: 0"] * 3


def test_alarms_come_and_go(stage):
    trio = Trio(stage)
    trio.ups.change(ups__status="OL OVER")
    added = trio.trapd.wait_what("ups", "Added", 8)[0]
    row = trio.snmpd.agent.walk(OBJECTS + "6.2.1.2")
    assert row == {ALARM_DESCR + "1": f"OID: {OBJECTS}6.3.8"}
    trio.ups.change(ups__status="OL")
    removed = trio.trapd.wait_what("ups", "Removed", 8)[0]
    for told in (added, removed):
        assert names(told) == [ALARM_ID + "1", ALARM_DESCR + "1", IDENT_NAME]
        assert values(told) == ["INTEGER: 1", f"OID: {OBJECTS}6.3.8", 'STRING: "ups"']
    assert (added.oid, removed.oid) == (TRAPS + "3", TRAPS + "4")


def test_of_the_row_of_being_on_battery_only_the_end_is_told(stage):
    trio = Trio(stage)
    trio.ups.change(ups__status="OB")
    trio.trapd.wait_what("ups", "Added", 6)
    trio.ups.change(ups__status="OL")
    trio.trapd.wait_what("ups", "Removed", 6)
    trio.trapd.wait_what("ups", "Removed", 2)
    online = trio.trapd.wait_what("ups", "OnLine")[0]
    assert online.oid == BRIDGE_TRAPS + "3" and online.name == "OnLine"
    assert names(online)[0].startswith(DEVICE_NAME)
    assert values(online) == ['STRING: "ups"', "INTEGER: 2", 'STRING: "OL"']
    assert [one.what() for one in trio.trapd.received()] == [
        ("ups", "OnBattery"), ("ups", "Added", 6), ("ups", "OnLine"), ("ups", "Removed", 2),
        ("ups", "Removed", 6)]


def test_a_test_that_ends(stage):
    trio = Trio(stage)
    trio.ups.change(ups__status="OL TEST")
    wait_until(lambda: trio.snmpd.agent.get_number("7.3.0", community="ups") == 5, "a test runs")
    trio.ups.change(ups__status="OL", ups__test__result="Done and passed")
    told = trio.trapd.wait_what("ups", "TestCompleted")[0]
    assert names(told) == [*(f"{OBJECTS}7.{number}.0" for number in range(1, 7)), IDENT_NAME]
    shown = [trio.snmpd.agent.get(f"7.{number}.0")[0] for number in range(1, 7)]
    assert values(told)[:4] == shown[:4] and values(told)[5] == shown[5]
    ticks, shown_ticks = (int(text.split("(")[1].split(")")[0])
                          for text in (values(told)[4], shown[4]))
    assert abs(ticks - shown_ticks) <= 100
    assert ("ups", "Added", 24) not in [one.what() for one in trio.trapd.received()]


def test_comms_lost_and_restored(stage):
    trapd = start_trapd(stage)
    snmpd = stage.snmpd(["ups"], conf=v2c_sink(trapd))
    bridge = stage.bridge([Device("ups", ON_LINE)], snmp=f"SNMP agentx unix:{snmpd.agentx}\n",
                          upsd_conf="MAXAGE 2\n")
    text = bridge.device("ups").path.read_text()
    bridge.device("ups").path.unlink()
    lost = trapd.wait_what("ups", "CommsLost")[0]
    trapd.wait_what("ups", "Added", 20)
    assert lost.context() is None and lost.oid == BRIDGE_TRAPS + "1"
    assert values(lost)[0] == 'STRING: "ups"' and values(lost)[1] in ("INTEGER: 3", "INTEGER: 4")
    bridge.device("ups").write(text)
    assert values(trapd.wait_what("ups", "CommsRestored")[0])[1] == "INTEGER: 2"
    trapd.wait_what("ups", "Removed", 20)


def test_what_holds_at_the_start_is_told_once(stage):
    trio = Trio(stage, devices=[Device("ups", ON_LINE.replace(": OL", ": OB RB"))])
    for what in (("ups", "OnBattery"), ("ups", "Added", 1), ("ups", "Added", 6)):
        trio.trapd.wait_what(*what)
    trio.bridge.reload()
    trio.ups.change(ups__status="OL RB")
    trio.trapd.wait_what("ups", "Removed", 6)
    assert len(trio.trapd.wait_what("ups", "Added", 1)) == 1


def test_each_minute_on_battery(stage):
    trio = Trio(stage)
    trio.ups.change(ups__status="OB")
    trio.trapd.wait_what("ups", "OnBattery")
    wait_until(lambda: len(trio.trapd.wait_what("ups", "OnBattery")) == 2, "the repetition",
               MINUTE_DEADLINE)
    seconds = [int(values(one)[1].removeprefix("INTEGER: "))
               for one in trio.trapd.wait_what("ups", "OnBattery")]
    assert seconds[0] == 0 and 59 <= seconds[1] <= MINUTE_DEADLINE


def test_a_changed_section_is_the_same_device(stage):
    trio = Trio(stage)
    trio.ups.change(ups__status="OB")
    trio.trapd.wait_what("ups", "Added", 6)
    before = trio.snmpd.agent.walk(OBJECTS + "6.2.1.2", community="ups")
    trio.ups.options["pollinterval"] = "1"
    trio.bridge.write_configuration()
    mark = len(trio.bridge.program.log())
    trio.bridge.reload()
    trio.bridge.program.wait_log(r"\[ups\] opened", after=mark)
    trio.ups.change(ups__status="OB OVER")
    trio.trapd.wait_what("ups", "Added", 8)
    after = trio.snmpd.agent.walk(OBJECTS + "6.2.1.2", community="ups")
    assert before.items() < after.items() and trio.snmpd.agent.get_number("3.1.0") == 1
    assert len(trio.trapd.received()) == 3


def test_a_device_that_goes_and_comes_back(stage):
    """Its alarms are told to go, and identifiers are not used again."""
    trio = Trio(stage, devices=[Device("first", ON_LINE), Device("ups", ON_LINE)])
    ups = trio.bridge.device("ups")
    ups.change(ups__status="OB")
    trio.trapd.wait_what("ups", "Added", 6)
    wait_until(lambda: trio.snmpd.agent.get_number("6.1.0", community="ups") == 2, "its rows")
    rows = set(trio.snmpd.agent.walk(OBJECTS + "6.2.1.2", community="ups"))
    trio.bridge.devices.remove(ups)
    trio.bridge.write_configuration()
    trio.bridge.reload()
    trio.trapd.wait_what("ups", "Removed", 2)
    trio.trapd.wait_what("ups", "Removed", 6)
    trio.bridge.devices.append(ups)
    trio.bridge.write_configuration()
    trio.bridge.reload()
    wait_until(lambda: len(trio.trapd.wait_what("ups", "Added", 6)) == 2, "the alarm of the new one")
    wait_until(lambda: trio.snmpd.agent.get_number("6.1.0", community="ups") == 2, "its rows")
    assert not rows & set(trio.snmpd.agent.walk(OBJECTS + "6.2.1.2", community="ups"))
    assert trio.snmpd.agent.get_number("3.1.0", community="ups") == 2


# Sinks of snmpd ---------------------------------------------------------------------------------

def test_every_kind_of_sink(stage):
    user = " ".join(USER)
    trio = Trio(stage, lambda trapd: f"trapsink {trapd.address} public\n"
                                     f"trap2sink {trapd.address} public\n"
                                     f"informsink {trapd.address} public\n"
                                     f"trapsess -v3 -e {ENGINE} {user} {trapd.address}\n"
                                     f"trapsess -Ci -v3 {user} {trapd.address}\n",
                devices=[Device("first", ON_LINE), Device("ups", ON_LINE)])
    trio.bridge.device("ups").change(ups__status="OB")
    wait_until(lambda: len(trio.trapd.wait_what("ups", "Added", 6)) == 4, "four of them")
    told = {one.security.split(",")[0] + one.security.split(",")[1]: one
            for one in trio.trapd.wait_what("ups", "OnBattery")}
    assert set(told) == {"TRAP2 SNMP v2c", "INFORM SNMP v2c", "TRAP2 SNMP v3", "INFORM SNMP v3"}
    assert told["TRAP2 SNMP v3"].context() == told["INFORM SNMP v3"].context() == "ups"
    assert len({repr(one.objects) for one in told.values()}) == 1
    enterprise, generic, specific, variables = trio.trapd.received_v1()[-1]
    assert (enterprise, generic, specific) == (TRAPS.rstrip("."), 6, 3)
    assert variables[-1] == f'{IDENT_NAME} = STRING: "ups"'


def test_the_default_device_is_told_of_once(stage):
    trio = Trio(stage)
    trio.ups.change(ups__status="OL OVER")
    trio.trapd.wait_what("ups", "Added", 8)
    trio.ups.change(ups__status="OL")
    trio.trapd.wait_what("ups", "Removed", 8)
    assert len(trio.trapd.received()) == 2


# The master goes --------------------------------------------------------------------------------

def test_what_happens_while_the_master_is_away_is_told_later(stage):
    trio = Trio(stage)
    trio.snmpd.kill()
    trio.bridge.program.wait_log("AgentX: the master at .* is gone")
    trio.ups.change(ups__status="OB")
    trio.bridge.wait_value("ups", "ups.status", "OB")
    trio.ups.change(ups__status="OB OVER")
    trio.bridge.wait_value("ups", "ups.status", "OB OVER")
    trio.snmpd.start()
    trio.trapd.wait_what("ups", "Added", 8)
    told = [one.what() for one in trio.trapd.received()]
    assert told == [("ups", "OnBattery"), ("ups", "Added", 6), ("ups", "Added", 8)]


def test_a_stopped_master_gets_all_once_it_wakes(stage):
    """Long enough that we give it up: what it had not confirmed is sent again."""
    trio = Trio(stage)
    trio.snmpd.program.signal(signal.SIGSTOP)
    trio.ups.change(ups__status="OB")
    trio.bridge.wait_value("ups", "ups.status", "OB")
    trio.bridge.program.wait_log("AgentX: the master at .* is gone", timeout=60)
    trio.snmpd.program.signal(signal.SIGCONT)
    trio.trapd.wait_what("ups", "OnBattery", timeout=60)
    trio.trapd.wait_what("ups", "Added", 6, timeout=60)


def test_two_masters(stage):
    """Each gets everything; one that goes takes nothing from the other."""
    trapds = [start_trapd(stage, name=f"trapd{number}") for number in range(2)]
    masters = [stage.snmpd(["ups"], name=f"snmpd{number}", conf=v2c_sink(trapd))
               for number, trapd in enumerate(trapds)]
    bridge = stage.bridge([Device("ups", ON_LINE)],
                          snmp="".join(f"SNMP agentx unix:{snmpd.agentx}\n" for snmpd in masters))
    for snmpd in masters:
        wait_until(lambda: snmpd.agent.answers(community="ups"), "each serves it")
    bridge.device("ups").change(ups__status="OL OVER")
    for trapd in trapds:
        trapd.wait_what("ups", "Added", 8)
    masters[0].program.signal(signal.SIGSTOP)
    bridge.device("ups").change(ups__status="OL")
    trapds[1].wait_what("ups", "Removed", 8)
    masters[0].kill()
    bridge.device("ups").change(ups__status="OL RB")
    trapds[1].wait_what("ups", "Added", 1)
    assert masters[1].agent.get_number("6.1.0", community="ups") == 1
    masters[0].start()
    trapds[0].wait_what("ups", "Added", 1)
    trapds[0].wait_what("ups", "Removed", 8)
    wait_until(lambda: masters[0].agent.answers(community="ups"), "it serves it again")


MANY = 300


def many_devices():
    return [Device(f"ups{number}", ON_LINE) for number in range(MANY)]


def all_told(trapd, *what):
    """Names of the devices of which this was told."""
    return {one.ups() for one in trapd.received() if one.what()[1:] == what}


def test_all_devices_at_once(stage):
    """A site-wide power failure: each device is told of, and nobody is run over."""
    trio = Trio(stage, devices=many_devices())
    for device in trio.bridge.devices:
        device.change(ups__status="OB")
    wait_until(lambda: len(all_told(trio.trapd, "OnBattery")) == MANY and
               len(all_told(trio.trapd, "Added", 6)) == MANY, "all of them", 60, 0.5)
    assert len(trio.trapd.received()) == 2 * MANY
    assert trio.bridge.program.log().count("AgentX: the master") == 0


def test_the_master_restarts_in_the_midst_of_a_storm(stage):
    trio = Trio(stage, devices=many_devices())
    for device in trio.bridge.devices:
        device.change(ups__status="OB")
    wait_until(lambda: len(trio.trapd.received()) > 20, "the storm begins", interval=0.01)
    trio.restart_snmpd()
    for device in trio.bridge.devices:
        device.change(ups__status="OB OVER")
    wait_until(lambda: len(all_told(trio.trapd, "OnBattery")) == MANY and
               len(all_told(trio.trapd, "Added", 6)) == MANY and
               len(all_told(trio.trapd, "Added", 8)) == MANY, "all of them", 60, 0.5)


# On the wire ------------------------------------------------------------------------------------

OPEN, CLOSE, REGISTER, UNREGISTER, GET, GET_NEXT, TEST_SET = 1, 2, 3, 4, 5, 6, 8
NOTIFY, ADD_CAPS, RESPONSE = 12, 16, 18
WITH_VARIABLES = {TEST_SET, NOTIFY, RESPONSE}


class Pdu:
    """An AgentX PDU, read strictly by RFC 2741: whatever is left over or missing is an error."""

    def __init__(self, data):
        self.data, self.at = data, 0
        version, self.type, flags, reserved = data[:4]
        self.order = "big" if flags & 0x10 else "little"
        assert (version, reserved) == (1, 0)
        self.at = 4
        self.session, self.transaction, self.packet, length = (self.number() for _ in range(4))
        assert length % 4 == 0 and len(data) == 20 + length
        self.context = self.octets() if flags & 0x08 else None
        self.variables = []
        if self.type == RESPONSE:
            self.at += 8
        if self.type in WITH_VARIABLES:
            while self.at < len(data):
                self.variables.append(self.variable())
            assert self.at == len(data)

    def number(self, size=4):
        value = int.from_bytes(self.data[self.at:self.at + size], self.order)
        self.at += size
        return value

    def octets(self):
        size = self.number()
        value = self.data[self.at:self.at + size]
        padded = self.data[self.at + size:self.at + size + -size % 4]
        assert len(value) == size and padded == bytes(-size % 4)
        self.at += size + -size % 4
        return value

    def oid(self):
        count, prefix, include, reserved = self.data[self.at:self.at + 4]
        assert count <= 128 and include <= 1 and reserved == 0
        self.at += 4
        numbers = [1, 3, 6, 1, prefix] if prefix else []
        return tuple(numbers + [self.number() for _ in range(count)])

    def variable(self):
        kind, reserved = self.number(2), self.number(2)
        assert reserved == 0
        name = self.oid()
        if kind in (2, 65, 66, 67):
            return name, self.number()
        if kind == 70:
            return name, self.number(8)
        if kind in (4, 64, 68):
            return name, self.octets()
        if kind == 6:
            return name, self.oid()
        assert kind in (5, 128, 129, 130), f"a value of type {kind}"
        return name, None


def read_stream(data):
    """The PDUs of one direction."""
    pdus = []
    while data:
        order = "big" if data[2] & 0x10 else "little"
        size = 20 + int.from_bytes(data[16:20], order)
        pdus.append(Pdu(data[:size]))
        data = data[size:]
    return pdus


class Capture:
    """What goes to and from an AgentX master at a TCP port, as tshark sees it."""

    def __init__(self, stage, port):
        self.port, self.path = port, stage.directory / "agentx.pcap"
        self.tshark = stage.program("tshark", ["tshark", "-q", "-i", "lo", "-f",
                                               f"tcp port {port}", "-w", self.path])
        self.tshark.wait_log("Capturing on")
        wait_until(self.path.exists, "the capture begins")

    def read(self, *options):
        return run("tshark", "-r", self.path, "-d", f"tcp.port=={self.port},agentx", *options,
                   check=False).out.splitlines()

    def types(self, condition):
        """The types of PDUs in packets that fulfil a condition."""
        return {int(number, 0) for line in self.read("-Y", condition, "-T", "fields", "-e",
                                                     "agentx.type")
                for number in line.split(",") if number}

    def stream(self, direction):
        lines = self.read("-Y", f"tcp.{direction}=={self.port} && tcp.len>0 && "
                          "!tcp.analysis.retransmission", "-T", "fields", "-e", "tcp.payload")
        return read_stream(bytes.fromhex("".join(lines)))


@pytest.mark.peers("tshark", "snmpset")
def test_a_capture_has_nothing_malformed(stage):
    """
    A whole life: open, registrations, requests, notifications, a device that goes. Wireshark 4.0
    calls every PDU with variables malformed, also those of net-snmp's own master; so of these only
    what comes before the variables is its business, and a strict reader here has the rest.
    """
    port = free_port()
    capture = Capture(stage, port)
    trio = Trio(stage, lambda trapd: v2c_sink(trapd) + "rwcommunity writer 127.0.0.1 -V all ups\n",
                agentx=f"tcp:{LOOPBACK}:{port}",
                devices=[Device("ups", ON_LINE), Device("other", ON_LINE)])
    trio.snmpd.agent.walk(community="ups")
    trio.snmpd.agent.walk(tool="snmpbulkwalk")
    assert trio.snmpd.agent.get_text("1.2.0", community="ups") == "Bridge 1000"
    trio.snmpd.agent.command("snmpset", OBJECTS + "1.6.0", "s", "x", community="writer",
                             check=False)
    trio.ups.change(ups__status="OB")
    trio.trapd.wait_what("ups", "Added", 6)
    trio.bridge.devices = trio.bridge.devices[:1]
    trio.bridge.write_configuration()
    trio.bridge.reload()
    trio.bridge.stop()
    # tshark buffers what it writes.
    wait_until(lambda: CLOSE in capture.types("agentx"), "the end in the capture", 60, 0.5)
    capture.tshark.stop()
    assert capture.types("agentx") >= {OPEN, CLOSE, REGISTER, UNREGISTER, GET, GET_NEXT, TEST_SET,
                                       NOTIFY, ADD_CAPS, RESPONSE}
    assert capture.types(f"_ws.malformed && tcp.dstport=={port}") <= WITH_VARIABLES
    ours = capture.stream("dstport")
    assert {pdu.type for pdu in ours} >= {OPEN, CLOSE, REGISTER, UNREGISTER, NOTIFY, ADD_CAPS,
                                          RESPONSE}
    notified = [pdu for pdu in ours if pdu.type == NOTIFY]
    assert [(pdu.context, len(pdu.variables)) for pdu in notified] == [(b"ups", 5), (b"ups", 4)]
    answers = {pdu.packet: pdu for pdu in capture.stream("srcport") if pdu.type == RESPONSE}
    assert all(pdu.packet in answers for pdu in notified)
