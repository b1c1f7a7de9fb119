# SPDX-License-Identifier: BSD-2-Clause
"""
UPSes with Modbus: pymodbus serves the registers of recorded devices, by TCP and on a serial line;
upsbridged reads, commands and sets them.
"""

import contextlib
import re
import socket

import pytest

import harness
from harness import LOOPBACK, free_udp_port, run, snmp_access, wait_until
from modbus_bench import MAPS, SECTIONS, Line, Section, Units, expected_values, section_of

pytestmark = pytest.mark.modbus

UPS_MIB = ".1.3.6.1.2.1.33.1"
APC, SMT, QUINT = "apc-smt-750-ddl", "apc-smt-nmc-tcp-1", "phoenix-quint4-synthetic"


@pytest.fixture(autouse=True)
def maps(monkeypatch):
    """Those of the source, which need not be installed."""
    monkeypatch.setenv("UPSBRIDGE_MAPS", str(MAPS))


def add_units(stage, units, **options):
    device = Units(stage.directory, units, **options)
    return stage.add(device, device).start()


def gateway(stage, *dumps, **settings):
    """All dumps behind one address, and upsbridged that reads them."""
    units = add_units(stage, dict(enumerate(dumps, 1)))
    bridge = stage.bridge([section_of(dump, units.address, unit=number)
                           for number, dump in enumerate(dumps, 1)], **settings)
    return units, bridge


def is_same(found, expected):
    """Texts, and numbers to the precision that is expected."""
    if found == expected:
        return True
    try:
        decimals = len(expected.partition(".")[2])
        return found is not None and abs(float(found) - float(expected)) <= 0.51 * 10 ** -decimals
    except ValueError:
        return False


def test_each_recording_through_one_gateway(stage):
    units, bridge = gateway(stage, *SECTIONS)
    with bridge.client() as client:
        for dump in SECTIONS:
            expected, found = expected_values(dump), client.variables(dump)
            different = {name: (value, found.get(name)) for name, value in expected.items()
                         if name.startswith(("battery", "input", "output", "ups"))
                         and not is_same(found.get(name), value)}
            assert not different, dump
    assert units.requests() > 0


def test_a_huawei(stage):
    """What it is, the delays it has not itself, and what it takes one register at a time."""
    name = "huawei-ups2000-g-ddl"
    units = add_units(stage, {1: name})
    bridge = stage.bridge([section_of(name, units.address, offdelay=120)])
    with bridge.client() as client:
        assert client.value(name, "ups.serial") == "210235G6QHZ0C1000001"
        assert client.value(name, "ups.delay.shutdown") == "120"
        client.authenticate("admin", "secret")
        assert client.ask(f"SET VAR {name} ups.delay.shutdown 30").startswith("OK")
        bridge.wait_value(name, "ups.delay.shutdown", "30")
        for disabled in (1, 0):
            assert client.ask(f"INSTCMD {name} beeper.toggle").startswith("OK")
            wait_until(lambda: units.get(1, "holding", 11046) == disabled, "the beeper")
        assert client.ask(f"INSTCMD {name} shutdown.stayoff").startswith("OK")
        wait_until(lambda: units.get(1, "holding", 11049) == 5, "the order")


@pytest.mark.snmp_face
def test_the_upsmib_of_one(stage):
    port = free_udp_port()
    units, bridge = gateway(stage, APC, snmp=f"SNMP listen udp:{LOOPBACK}:{port}\n",
                            snmp_conf=snmp_access(APC))
    agent = harness.SnmpAgent(port)
    assert agent.get(f"{UPS_MIB}.1.2.0")[0] == 'STRING: "Smart-UPS 750"'
    assert agent.get_number(f"{UPS_MIB}.2.4.0") == 100
    assert agent.get_number(f"{UPS_MIB}.3.3.1.3.1") == 240
    units.set(1, "holding", 1, 4)  # on battery
    bridge.wait_value(APC, "ups.status", lambda status: "OB" in status.split())
    assert agent.get_number(f"{UPS_MIB}.4.1.0") == 5


def test_two_units_on_one_line(stage, tmp_path):
    line = stage.add(Line(tmp_path))
    units = add_units(stage, {1: APC, 2: SMT}, line_end=line.paths[1])
    bridge = stage.bridge([section_of(APC, line.paths[0], unit=1, baud=115200),
                           section_of(SMT, line.paths[0], unit=2, baud=115200)])
    with bridge.client() as client:
        for dump in (APC, SMT):
            charge = client.value(dump, "battery.charge")
            assert is_same(charge, expected_values(dump)["battery.charge"])
    units.set(2, "holding", 1, 4)
    bridge.wait_value(SMT, "ups.status", lambda status: "OB" in status.split())
    with bridge.client() as client:
        assert client.value(APC, "ups.status").startswith("OL")


def test_a_dead_unit_holds_nobody_up(stage):
    units, bridge = gateway(stage, APC, SMT, upsd_conf="MAXAGE 5\n")
    units.silent(1, True)
    bridge.wait_answer(f"GET VAR {APC} ups.status", "ERR DATA-STALE", 30)
    for value in (4, 2, 4, 2):  # on battery, on line
        units.set(2, "holding", 1, value)
        bridge.wait_value(SMT, "ups.status",
                          lambda status: ("OB" if value == 4 else "OL") in status.split())
    with bridge.client() as client:
        assert int(client.value(SMT, "driver.modbus.unanswered")) == 0
    units.silent(1, False)
    bridge.wait_value(APC, "ups.status", lambda status: status and "OL" in status.split(), 60)


def test_the_gateway_goes_and_comes(stage):
    units, bridge = gateway(stage, APC, upsd_conf="MAXAGE 4\n")
    units.kill()
    bridge.wait_answer(f"GET VAR {APC} ups.status", "ERR DATA-STALE", 30)
    assert bridge.program.log().count("refused") <= 3
    units.start()
    bridge.wait_value(APC, "ups.status", lambda status: status and "OL" in status.split(), 30)
    wait_until(lambda: "is back after" in bridge.program.log(), "the log tells that it is back")


def test_another_device_in_its_place(stage):
    units, bridge = gateway(stage, QUINT, upsd_conf="MAXAGE 4\n")
    units.silent(1, True)
    bridge.wait_answer(f"GET VAR {QUINT} ups.status", "ERR DATA-STALE", 30)
    for address in range(5, 9):  # its article number
        units.set(1, "input", address, 1)
    units.silent(1, False)
    wait_until(lambda: "another device answers in its place" in bridge.program.log(),
               "it is seen that it is another", 30)
    with bridge.client() as client:
        assert client.ask(f"GET VAR {QUINT} ups.status") == "ERR DATA-STALE"


def test_registers_a_device_lacks(stage):
    units = add_units(stage, {1: APC})
    for address in (1026, 1027, 1028):
        units.remove(1, "holding", address)
    bridge = stage.bridge([section_of(APC, units.address)])
    with bridge.client() as client:
        assert client.value(APC, "input.transfer.high") is None
        assert client.value(APC, "ups.model") == "Smart-UPS 750"
        assert client.value(APC, "battery.charge") == "100.00"


def test_a_setting_and_a_command(stage):
    units = add_units(stage, {1: APC})
    for address in (1536, 1537, 1538, 1539, 1540, 1541, 1542, 1543):
        units.set(1, "holding", address, 0)
    bridge = stage.bridge([section_of(APC, units.address)])
    with bridge.client() as client:
        client.authenticate("admin", "secret")
        assert client.ask("SET TRACKING ON") == "OK"

        def result_of(request):
            tracked = client.ask(request)
            assert tracked.startswith("OK TRACKING "), request
            number = tracked.split()[-1]
            wait_until(lambda: client.ask(f"GET TRACKING {number}") != "PENDING", request)
            return client.ask(f"GET TRACKING {number}")

        assert result_of(f"SET VAR {APC} input.transfer.high 250") == "SUCCESS"
        assert units.get(1, "holding", 1026) == 250
        assert client.ask(f"SET VAR {APC} input.transfer.high 9000").startswith("ERR")
        assert result_of(f"INSTCMD {APC} test.battery.start") == "SUCCESS"
        assert units.get(1, "holding", 1541) == 1
        assert result_of(f"INSTCMD {APC} load.off") == "SUCCESS"
        assert units.get(1, "holding", 1539) & 0x104 == 0x104
    bridge.wait_value(APC, "input.transfer.high", "250")


TWO_STATES = """[map]
name = two-states
description = "two states"
source = "none"
certainty = unconfirmed
[values]
battery.charger.status = @1 {1:charging}
battery.charge = @130 / 512
[status]
OL = @1 == 1
OB = @1 == 2
"""


def test_what_went_while_the_status_was_unknown(stage, tmp_path):
    """Nothing of a poll without status is published, and what it would have unset goes later."""
    units = add_units(stage, {1: APC})
    units.set(1, "holding", 1, 1)
    (tmp_path / "two-states.map").write_text(TWO_STATES)
    bridge = stage.bridge([Section("ups", "modbus", units.address,
                                   map=tmp_path / "two-states.map")])
    bridge.wait_value("ups", "battery.charger.status", "charging")
    units.set(1, "holding", 1, 9)
    before = units.requests()
    wait_until(lambda: units.requests() > before, "a poll that fails")
    units.set(1, "holding", 1, 2)
    bridge.wait_value("ups", "ups.status", lambda status: "OB" in status.split())
    bridge.wait_value("ups", "battery.charger.status", None)


def test_the_debug_view(stage):
    units = add_units(stage, {1: APC})
    bridge = stage.bridge([section_of(APC, units.address, debug_registers=True)])
    with bridge.client() as client:
        shown = client.value(APC, "driver.debug.battery.charge")
        assert re.fullmatch(r"holding 130 = 0xc800 -> 100\.00", shown), shown


def test_polls_take_no_more_requests_than_blocks(stage, binary):
    """A full poll is the map's blocks, and a quick one those of the status."""
    plan = run(binary, "--check-map", MAPS / "apc-smart-ups.map").out
    first, full, quick = (int(count) for count in re.findall(r"^\w+ poll: (\d+) read", plan, re.M))
    units = add_units(stage, {1: APC})
    bridge = stage.bridge([section_of(APC, units.address)])
    with bridge.client() as client:
        assert client.value(APC, "driver.modbus.refused") == "0"
    # Identification, perhaps a quick poll before the first, then quick ones until now.
    assert first > full >= quick
    before = units.requests()
    wait_until(lambda: units.requests() >= before + 3 * quick, "three polls")
    assert (units.requests() - before) % quick == 0 or units.requests() > before + 3 * quick


def test_sections_that_are_wrong(stage, tmp_path):
    (tmp_path / "any-unit.map").write_text(TWO_STATES.replace("[map]", "[map]\nunit = 0"))
    bridge = stage.bridge([Section("a", "modbus", "192.0.2.1", answers=False),
                           Section("b", "apc_modbus", "auto", answers=False),
                           Section("c", "apc_modbus", "192.0.2.1:0", answers=False),
                           Section("d", "modbus", "192.0.2.1", answers=False, map="nosuch"),
                           Section("e", "apc_modbus", "/dev/ttyS0", answers=False, unit=0,
                                   baud="fast", parity="X", rts="maybe"),
                           Section("f", "apc_modbus", "192.0.2.1", answers=False, OL_addr=1),
                           Section("g", "generic_modbus", "/dev/ttyS0", answers=False),
                           Section("h", "generic_modbus", "/dev/ttyS0", answers=False, OB_addr=1,
                                   ser_data_bit=3, ser_baud_rate=0),
                           Section("i", "apc_modbus", "192.0.2.1", answers=False,
                                   porttype="serial", offdelay=20),
                           Section("j", "apc_modbus", "192.0.2.1", answers=False, offdelay=20),
                           Section("k", "huawei-ups2000", "/dev/ttyS0", answers=False, offdelay=7,
                                   rebootdelay=60),
                           Section("m", "huawei-ups2000", "/dev/ttyS0", answers=False,
                                   rebootdelay=60),
                           Section("l", "modbus", "/dev/ttyS0", answers=False,
                                   map=tmp_path / "any-unit.map")],
                          start=False)
    told = bridge.check()
    assert told.returncode == 1
    for text in ("[a] needs map = NAME",
                 "[b] port must be a serial device or HOST:PORT (by USB: driver usbhid-ups)",
                 '[c] port: "192.0.2.1:0" has no port of 1 to 65535',
                 "nosuch.map: No such file",
                 "[e] baud must be a number from 110 to 4000000, not 'fast'",
                 "[e] parity must be N, E or O, not 'X'",
                 "[e] rts must be none, rs485, up or down, not 'maybe'",
                 "[e] a unit on a serial line is 1 to 247, not '0'",
                 "[f] only driver generic_modbus has the option 'OL_addr'",
                 "no contact tells input power from battery",
                 "ser_data_bit: it must be a number from 7 to 8",
                 "ser_baud_rate: it must be a number from 300 to 4000000",
                 "[i] port is no such one as porttype says: 'serial'",
                 "[j] offdelay has no effect: with map apc-smart-ups, the UPS has a setting of its",
                 "[k] offdelay: 7 is no multiple of 6",
                 "[m] rebootdelay has no effect: with map huawei-ups2000, the UPS has no such delay",
                 "[l] needs unit = NUMBER: on a serial line there is none like the map's '0'"):
        assert text in told.err + told.out, text
    for line in (told.err + told.out).splitlines()[:-1]:
        assert re.search(r"ups\.conf:\d+: |\.map: ", line), line


# --probe-modbus ---------------------------------------------------------------------------------

class Printed:
    """Sections that were printed, in place of a harness.Device."""

    def __init__(self, text):
        self.name, self.text, self.readings = "ups1", text, {}

    def place(self, directory):
        pass

    def section(self):
        return self.text


def test_the_probe_tells_what_is_behind_a_gateway(stage, binary):
    units = add_units(stage, {1: APC, 3: "huawei-ups2000-g-ddl", 4: QUINT,
                              7: "powerwalker-vfi-1500-iot"}, kind="gateway")
    text = run(binary, "--probe-modbus", f"tcp:{units.address}").out
    assert re.findall(r"^# unit (\d+) answers", text, re.M) == ["1", "3", "4", "7"]
    assert re.findall(r"^\tmap = (\S+)", text, re.M) == ["apc-smart-ups", "huawei-ups2000",
                                                         "phoenix-quint4", "powerwalker-iot"]
    assert re.findall(r"^\tunit = (\d+)", text, re.M) == ["3", "4", "7"]
    bridge = stage.bridge([Printed(text)])
    for name in ("ups2", "ups3", "ups4"):
        bridge.wait_value(name, "ups.status", lambda status: "O" in (status or ""))
    with bridge.client() as client:
        assert client.value("ups1", "ups.model") == "Smart-UPS 750"


def test_the_probe_of_a_card_that_does_not_mind_the_number(stage, binary):
    units = add_units(stage, {1: APC}, kind="card")
    text = run(binary, "--probe-modbus", units.address).out
    assert "# It answers to any unit number." in text
    assert text.count("\n[") == 1


def test_the_probe_of_a_line(stage, binary, tmp_path):
    line = stage.add(Line(tmp_path))
    add_units(stage, {2: QUINT}, line_end=line.paths[1])
    text = run(binary, "--probe-modbus", f"rtu:{line.paths[0]}", "--units", "1-3").out
    assert f"\tport = rtu:{line.paths[0]}\n\tmap = phoenix-quint4\n\tunit = 2\n" in text


def test_the_probe_of_a_line_with_maps_that_know_none(stage, binary, tmp_path, monkeypatch):
    """The most usual line is tried, and the section names the map as its file is named."""
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "mine.map").write_text(TWO_STATES)
    monkeypatch.setenv("UPSBRIDGE_MAPS", str(tmp_path / "maps"))
    line = stage.add(Line(tmp_path))
    units = add_units(stage, {2: APC}, line_end=line.paths[1])
    units.set(2, "holding", 1, 1)
    text = run(binary, "--probe-modbus", f"rtu:{line.paths[0]}", "--units", "1-3").out
    assert "\tmap = mine\n\tunit = 2\n\tbaud = 9600\n" in text


def test_the_probe_by_a_serial_server(stage, binary):
    """It has no speed of ours."""
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        done = run(binary, "--probe-modbus", f"rtutcp:{LOOPBACK}:{port}", "--units", "1-2",
                   check=False)
        server.setblocking(False)
        connections = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                server.accept()[0].close()
                connections += 1
    assert done.returncode == 1 and "no unit answers" in done.err
    assert connections == 3  # for both, and the number that nobody gives: each once


def test_the_probe_finds_nobody(stage, binary):
    port = harness.free_port()
    done = run(binary, "--probe-modbus", f"{LOOPBACK}:{port}", check=False)
    assert done.returncode == 1 and "refused" in done.err and done.out == ""
    units = add_units(stage, {9: APC})
    done = run(binary, "--probe-modbus", units.address, "--units", "1-2", check=False)
    assert done.returncode == 1 and "no unit answers" in done.err and done.out == ""


@pytest.mark.parametrize("words, said", [
    (["--probe-modbus", "host:x"], "has no port of 1 to 65535"),
    (["--probe-modbus", "host", "--units", "0-3"], "units are FIRST-LAST of 1 to 247"),
    (["--probe-modbus", "host", "--units", "4-3"], "units are FIRST-LAST of 1 to 247"),
    (["--probe-modbus", "host", "--units", "1-3x"], "units are FIRST-LAST of 1 to 247"),
    (["--units", "1-3"], "--units needs --probe-modbus"),
])
def test_a_probe_asked_for_wrongly(binary, words, said):
    done = run(binary, *words, check=False)
    assert done.returncode == 1 and said in done.err
