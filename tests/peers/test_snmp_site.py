# SPDX-License-Identifier: BSD-2-Clause
"""
All UPSes together: UPSBRIDGE-MIB, and ENTITY-MIB with ENTITY-SENSOR-MIB, standalone and through a
real snmpd, checked against the text of the module and the facts of the RFCs, and against what the
NUT face says of the same UPSes.
"""

import re
import shutil
import ssl
import time

import pytest

import mibs
from conftest import TOP
from harness import (DATA, LOOPBACK, ON_LINE, UPS_MIB, Device, SnmpAgent, free_udp_port, run,
                     snmp_access, wait_until)
from mibs import BRIDGE_MIB, ENTITY_MIB, SENSOR_MIB, column, fnv, violations
from upsmib import numbers, read_walk

pytestmark = [pytest.mark.snmp_face,
              pytest.mark.peers("snmpget", "snmpwalk", "snmpbulkwalk", "snmptable", "snmpd",
                                "smilint", "smidump")]

RECORDINGS = ["eaton-5sc-750", "powerwalker-vfi-20k-cpg-3-3", "alarms", "apc-smart-ups-1500",
              "innova-rt-3-1-20k"]
# Of both MIBs, with bounds to go beyond.
EDGES = """\
ups.status: OL
ups.mfr: Maker
ups.model: Edge
ups.serial: 0123456789012345678901234567890123456789
ups.id: "a name of more than thirty-two characters"
battery.charge: 250
battery.runtime: 99999999999
battery.temperature: -12.34
battery.current: -3.005
input.voltage: 1000000000
input.L2-N.voltage: 231.25
input.L1-L2.voltage: 400
input.N.current: 0.125
output.voltage: n/a
ambient.temperature: 21.5
ambient.humidity: 40
device.description: many words
"""
DEVICE_MAX = 2147482
VARIABLE_MAX = 2147479551


def devices():
    return [*(Device(name, DATA / f"{name}.dev", "one of many") for name in RECORDINGS),
            Device("edges", EDGES), Device("gone", None)]


class Site:
    """upsbridged and the agent through which it is seen."""

    def __init__(self, bridge, agent):
        self.bridge, self.agent = bridge, agent

    def walk(self, root, tool="snmpbulkwalk", **options):
        return read_walk(self.agent.command(tool, root, timeout=20, **options).out)


def make_site(stage, way, list_of_devices, name="", conf="", extra=""):
    contexts = [device.name for device in list_of_devices]
    if way == "standalone":
        port = free_udp_port()
        bridge = stage.bridge(list_of_devices, name=f"{way}{name}",
                              snmp_conf=conf or snmp_access(*contexts),
                              snmp=f"SNMP listen udp:{LOOPBACK}:{port}\n{extra}")
        return Site(bridge, SnmpAgent(port))
    snmpd = stage.snmpd(contexts, name=f"snmpd{name}")
    bridge = stage.bridge(list_of_devices, name=f"{way}{name}",
                          snmp=f"SNMP agentx {snmpd.agentx}\n{extra}")
    for context in contexts:
        wait_until(lambda: snmpd.agent.answers(UPS_MIB + ".1.2.1.0", community=context),
                   f"the context {context}")
    return Site(bridge, snmpd.agent)


@pytest.fixture(scope="module", params=["standalone", "agentx"])
def site(request, module_stage):
    return make_site(module_stage, request.param, devices())


@pytest.fixture(scope="module")
def bridge_mib(tmp_path_factory):
    return mibs.bridge_definitions(tmp_path_factory.mktemp("smi"))


STANDARD = mibs.standard_definitions()


# The modules ------------------------------------------------------------------------------------

def test_the_module_is_right(tmp_path):
    done = run("smilint", "-c", mibs.smi_configuration(tmp_path), "-l", "3", mibs.MODULE)
    assert done.out + done.err == ""


def test_every_object_is_in_a_group(tmp_path):
    module = mibs.parsed(mibs.MODULE, tmp_path)
    grouped = {name for group in module["groups"].values() for name in group["members"]}
    told = {name for name, node in module["nodes"].items() if node.get("access") == "readonly"}
    assert grouped == told | set(module["notifications"])


def test_another_place_changes_code_and_module_together(tmp_path):
    if not (TOP / "configure").is_file():
        pytest.skip("there is no configure: run ./bootstrap")
    done = run(TOP / "configure", "--with-enterprise-oid=1.3.6.1.4.1.99999.7", check=False,
               timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.err
    run("make", "-C", tmp_path, "UPSBRIDGE-MIB.txt")
    assert "#define BRIDGE_MIB_BELOW_INTERNET 4, 1, 99999, 7\n" in (
        tmp_path / "config.h").read_text()
    made = (tmp_path / "UPSBRIDGE-MIB.txt").read_text()
    assert made == mibs.MODULE.read_text().replace("8072 9999 9999 1628", "99999 7")


@pytest.mark.parametrize("oid", ["1.3.6.1.2.1.33", "1.3.6.1.4.1", "1.3.6.1.4.1.1.2.3.4.5.6.7",
                                 "1.3.6.1.4.1.x", "1.3.6.1.4.1.01", "no"])
def test_a_wrong_place_is_refused(tmp_path, oid):
    if not (TOP / "configure").is_file():
        pytest.skip("there is no configure: run ./bootstrap")
    done = run(TOP / "configure", f"--with-enterprise-oid={oid}", check=False, timeout=300,
               cwd=tmp_path)
    assert done.returncode != 0 and "--with-enterprise-oid must be" in done.err


# Each object against its module -----------------------------------------------------------------

def names_told(walk, definitions):
    return {definition.name for oid, _ in walk
            for definition in [mibs.find(definitions, oid)[0]] if definition is not None}


@pytest.mark.parametrize("tool", ["snmpwalk", "snmpbulkwalk"])
def test_the_site_is_as_the_module_has_it(site, bridge_mib, tool):
    walk = site.walk(BRIDGE_MIB, tool)
    assert violations(bridge_mib, walk) == []
    assert [numbers(oid) for oid, _ in walk] == sorted(numbers(oid) for oid, _ in walk)
    accessible = {name for name, one in bridge_mib.items() if one.accessible}
    unseen = {name for name in accessible if name.startswith(("ubClient", "ubCertificate"))}
    assert names_told(walk, bridge_mib) == accessible - unseen


@pytest.mark.parametrize("community", ["public", *RECORDINGS, "edges", "gone"])
def test_standard_modules_are_as_they_should_be(site, community):
    walk = [row for root in (".1.3.6.1.2.1.1", UPS_MIB, ENTITY_MIB, SENSOR_MIB)
            for row in site.walk(root, community=community)]
    # The system group of the default context may be the master's own.
    assert [line for line in violations(STANDARD, walk)] == []
    assert {oid.rsplit(".", 1)[0] for oid, _ in walk} >= {
        ENTITY_MIB + ".1.4.1", *(f"{ENTITY_MIB}.1.1.1.1.{number}" for number in range(2, 19))}


def test_v1_managers_see_all_but_64_bit_numbers(site):
    """SNMPv1 has no type for them: a walk passes on (RFC 3584 section 4.2.2.1)."""
    told = [oid for oid, _ in site.walk(BRIDGE_MIB + ".1.1", "snmpwalk", version="v1")]
    assert told == [f"{BRIDGE_MIB}.1.1.{number}.0" for number in range(1, 21)
                    if number != 8]


def test_gets_of_what_is_not_there(site):
    """noSuchInstance of objects we have, noSuchObject of others, a UPS's context included."""
    def answers(*oids, **options):
        return re.findall(r"No Such (\w+)", site.agent.command("snmpget", *oids, **options).out)

    assert answers(BRIDGE_MIB + ".1.2.1.2.1", BRIDGE_MIB + ".1.1.1.1",
                   ENTITY_MIB + ".1.1.1.1.2.9", SENSOR_MIB + ".1.1.1.4.9") == ["Instance"] * 4
    assert answers(BRIDGE_MIB + ".1.2.1.1.1", BRIDGE_MIB + ".1.9.0",
                   ENTITY_MIB + ".1.1.1.1.1.1", SENSOR_MIB + ".1.1.1.9.1") == ["Object"] * 4
    assert answers(BRIDGE_MIB + ".1.1.1.0", community="edges") == ["Object"]


# Devices ------------------------------------------------------------------------------------------

def device_indices(walk, bridge_mib):
    """{name: index}"""
    return {name: index for index, name in column(walk, bridge_mib["ubDeviceName"]).items()}


def scaled(text, scale, low=0):
    return max(low, min(2**31 - 1, round(float(text) * scale + 1e-9)))


def test_devices_are_what_nut_says(site, bridge_mib):
    walk = site.walk(BRIDGE_MIB)
    indices = device_indices(walk, bridge_mib)
    assert indices == {device.name: fnv(device.name, DEVICE_MAX) for device in devices()}
    told = {name: column(walk, one) for name, one in bridge_mib.items()}
    texts = {"ubDeviceManufacturer": "ups.mfr", "ubDeviceModel": "ups.model",
             "ubDeviceSerial": "ups.serial", "ubDeviceStatus": "ups.status",
             "ubDeviceDriver": "driver.name"}
    numbers_told = {"ubDeviceCharge": ("battery.charge", 1), "ubDeviceLoad": ("ups.load", 1),
                    "ubDeviceRuntime": ("battery.runtime", 1),
                    "ubDeviceBatteryVoltage": ("battery.voltage", 10),
                    "ubDeviceBatteryTemperature": ("battery.temperature", 10)}
    with site.bridge.client() as client:
        for name in RECORDINGS:
            variables, index = client.variables(name), indices[name]
            for title, variable in texts.items():
                assert told[title].get(index) == variables.get(variable, ""), (name, title)
            for title, (variable, scale) in numbers_told.items():
                if title == "ubDeviceBatteryTemperature" and variable not in variables:
                    continue
                want = scaled(variables[variable], scale) if variable in variables else None
                assert told[title].get(index) == want, (name, title)
            assert told["ubDeviceDescription"][index] == "one of many"
            assert told["ubDeviceComms"][index] == 2
            assert 0 <= told["ubDeviceUpdateAge"][index] < 60
            assert told["ubDeviceEntity"][index] == index * 1000 + 1
            alarms = site.agent.get_number("6.1.0", community=name)
            assert told["ubDeviceAlarms"][index] == alarms
    edges, gone = indices["edges"], indices["gone"]
    assert told["ubDeviceManufacturer"][edges] == "Maker"
    assert told["ubDeviceRuntime"][edges] == 2**31 - 1
    assert told["ubDeviceBatteryTemperature"][edges] == -123
    assert edges not in told["ubDeviceOutputVoltage"]
    assert gone not in told["ubDeviceCharge"] and gone not in told["ubDeviceUpdateAge"]
    assert told["ubDeviceComms"][gone] in (1, 4) and told["ubDeviceLastUpdate"][gone] == 0


def test_variables_are_those_of_nut(site, bridge_mib):
    walk = site.walk(BRIDGE_MIB + ".1.3")
    indices = {device.name: fnv(device.name, DEVICE_MAX) for device in devices()}
    names, values, writable = (column(walk, bridge_mib[f"ubVariable{what}"])
                               for what in ("Name", "Value", "Writable"))
    assert list(names) == list(values) == list(writable)
    for name in RECORDINGS:
        with site.bridge.client() as client:
            variables = client.variables(name)
            changeable = set(re.findall(r"^RW \S+ (\S+) ", client.ask(f"LIST RW {name}"), re.M))
        index = indices[name]
        rows = {names[row]: row for row in names if row[0] == index}
        assert set(rows) == set(variables)
        for variable, row in rows.items():
            assert row == (index, fnv(variable, VARIABLE_MAX)), variable
            assert writable[row] == (1 if variable in changeable else 2)
            if "uptime" not in variable:
                assert values[row] == variables[variable]


def test_the_daemon(site):
    told = [value for _, (_, value) in site.walk(BRIDGE_MIB + ".1.1")]
    assert told[0].startswith("upsbridge ") and told[1] == len(devices())
    assert told[2] == 1  # the one whose file does not exist


# Entities -----------------------------------------------------------------------------------------

SENSOR_KINDS = {3: "V", 4: "V", 5: "A", 6: "W", 7: "Hz", 8: "C", 9: "%"}


def entities(walk):
    """{title: {index: value}} of both MIBs, without entPhysicalContainsTable."""
    return {name: column(walk, STANDARD[name]) for name in STANDARD
            if name.startswith("entPhy") and name != "entPhysicalChildIndex"}


def check_structure(found, root):
    """Each entity is in one that exists, sensors in parts, parts in the UPS."""
    kinds, parents = found["entPhysicalClass"], found["entPhysicalContainedIn"]
    assert parents[root] == 0 and kinds[root] == 3
    assert found["entPhysicalParentRelPos"][root] == -1
    for index in parents:
        if index == root:
            continue
        assert parents[index] in parents, index
        assert (kinds[index] == 8) == (index in found["entPhySensorType"])
        if kinds[index] != 8:
            assert parents[index] == root
    positions = [(parents[index], position)
                 for index, position in found["entPhysicalParentRelPos"].items()]
    assert len(set(positions)) == len(positions)


@pytest.mark.parametrize("name", [*RECORDINGS, "edges"])
def test_sensors_are_what_nut_says(site, name):
    found = entities(site.walk(ENTITY_MIB, community=name)
                     + site.walk(SENSOR_MIB, community=name))
    check_structure(found, 1)
    with site.bridge.client() as client:
        variables = client.variables(name)
    expected = {110: None, 160: "ups.load", 210: "input.voltage", 230: "input.frequency",
                310: "output.voltage", 410: "battery.voltage", 480: "battery.charge",
                490: "battery.runtime", 470: "battery.temperature", 211: "input.L1-N.voltage",
                212: "input.L2-N.voltage", 214: "input.L1-L2.voltage", 227: "input.N.current",
                420: "battery.current", 670: "ambient.temperature", 680: "ambient.humidity",
                321: "output.L1.current", 362: "output.L2.power.percent"}
    seen = 0
    for number, variable in expected.items():
        text = variables.get(variable)
        is_number = text is not None and re.fullmatch(r"[-+]?\d+(\.\d+)?", text)
        assert (number in found["entPhySensorValue"]) == bool(is_number), (number, variable)
        if not is_number:
            continue
        seen += 1
        digits = found["entPhySensorPrecision"][number]
        want = max(-10**9, min(10**9, float(text) * 10**digits))
        assert abs(found["entPhySensorValue"][number] - want) <= 0.5001, (variable, text)
        assert found["entPhySensorOperStatus"][number] == 1
        assert found["entPhySensorScale"][number] == 9
        kind = found["entPhySensorType"][number]
        assert found["entPhySensorUnitsDisplay"][number] == SENSOR_KINDS.get(
            kind, "s" if number == 490 else "%")
        assert found["entPhySensorValueUpdateRate"][number] == 2000
    assert seen >= 4
    assert found["entPhysicalModelName"][1] == variables["ups.model"]
    assert found["entPhysicalSerialNum"][1] == variables.get("ups.serial", "")[:32]
    assert found["entPhysicalName"][210 if 210 in found["entPhysicalName"] else 410] in (
        "Input voltage", "Battery voltage")


def test_the_site_has_every_entity_of_every_ups(site):
    whole = entities(site.walk(ENTITY_MIB) + site.walk(SENSOR_MIB))
    count = 0
    for name in [device.name for device in devices()]:
        alone = entities(site.walk(ENTITY_MIB, community=name)
                         + site.walk(SENSOR_MIB, community=name))
        base = fnv(name, DEVICE_MAX) * 1000
        count += len(alone["entPhysicalClass"])
        for title, values in alone.items():
            moved = {base + index: value for index, value in values.items()}
            told = {index: value for index, value in whole[title].items()
                    if base < index < base + 1000}
            assert told.keys() == moved.keys()
            if title == "entPhysicalContainedIn":
                assert told == {index: value + base if value else 0
                                for index, value in moved.items()}
            elif title in ("entPhysicalName", "entPhysicalDescr"):
                assert all(re.fullmatch(name + ":? " + re.escape(moved[index]), told[index])
                           for index in told)
            elif "TimeStamp" not in title:
                assert told == moved
    assert len(whole["entPhysicalClass"]) == count


@pytest.mark.parametrize("community", ["public", "edges"])
def test_what_contains_what_is_told_both_ways(site, community):
    walk = site.walk(ENTITY_MIB, community=community)
    parents = column(walk, STANDARD["entPhysicalContainedIn"])
    contains = column(walk, STANDARD["entPhysicalChildIndex"])
    assert set(contains) == {(parent, child) for child, parent in parents.items() if parent}
    assert all(value == index[1] for index, value in contains.items())


# What changes -------------------------------------------------------------------------------------

def quick(stage, way="standalone", **settings):
    return make_site(stage, way, [Device("first", ON_LINE), Device("second", ON_LINE)], **settings)


def test_numbers_stay_when_others_come_and_go(stage, bridge_mib):
    site = quick(stage)
    before = device_indices(site.walk(BRIDGE_MIB), bridge_mib)
    bridge = site.bridge
    late = Device("a-late-one", ON_LINE)
    late.place(bridge.directory)
    bridge.devices = [late, *bridge.devices]
    bridge.write_configuration()
    bridge.reload()
    bridge.wait_value("a-late-one", "ups.status", "OL")
    wait_until(lambda: len(device_indices(site.walk(BRIDGE_MIB), bridge_mib)) == 3, "three UPSes")
    during = device_indices(site.walk(BRIDGE_MIB), bridge_mib)
    assert {name: during[name] for name in before} == before
    first = next(device for device in bridge.devices if device.name == "first")
    bridge.devices.remove(first)
    bridge.write_configuration()
    bridge.reload()
    wait_until(lambda: "first" not in device_indices(site.walk(BRIDGE_MIB), bridge_mib), "it goes")
    after = device_indices(site.walk(BRIDGE_MIB), bridge_mib)
    assert after == {name: during[name] for name in ("a-late-one", "second")}
    told = column(site.walk(ENTITY_MIB), STANDARD["entPhysicalClass"])
    assert {index // 1000 for index in told} == set(after.values())
    bridge.stop()
    bridge.start()
    assert device_indices(site.walk(BRIDGE_MIB), bridge_mib) == after


def test_variables_keep_their_numbers(stage, bridge_mib):
    site = quick(stage)
    before = column(site.walk(BRIDGE_MIB + ".1.3"), bridge_mib["ubVariableName"])
    site.bridge.device("first").change(ambient__temperature="21", ups__alarm="Fan failure!")
    site.bridge.wait_value("first", "ups.alarm", "Fan failure!")
    wait_until(lambda: len(column(site.walk(BRIDGE_MIB + ".1.3"),
                                  bridge_mib["ubVariableName"])) == len(before) + 2,
               "two variables more")
    after = column(site.walk(BRIDGE_MIB + ".1.3"), bridge_mib["ubVariableName"])
    assert {index: name for index, name in after.items() if index in before} == before


def test_entities_come_with_their_readings(stage):
    site = quick(stage, "agentx")
    oid = ENTITY_MIB + ".1.4.1.0"
    sensor = SENSOR_MIB + ".1.1.1.4.670"
    assert site.agent.get(sensor, community="first") == [None]
    assert site.agent.get_number(oid, community="first") == 0
    site.bridge.device("first").change(ambient__temperature="21.5")
    wait_until(lambda: site.agent.get_number(sensor, community="first") == 215, "the new sensor")
    assert site.agent.get_number(oid, community="first") > 0
    assert site.agent.get_number(oid, community="second") == 0
    wait_until(lambda: any(oid.endswith("670") for oid, _ in site.walk(SENSOR_MIB)),
               "the sensor among all")
    site.bridge.device("first").change(ambient__temperature="22.4")
    wait_until(lambda: site.agent.get_number(sensor, community="first") == 224, "a new reading")


def test_the_time_of_readings_goes_on_though_nothing_changes(stage):
    site = quick(stage)
    oids = [SENSOR_MIB + ".1.1.1.7.210",
            f"{BRIDGE_MIB}.1.2.1.20.{fnv('first', DEVICE_MAX)}"]
    for oid, community in zip(oids, ("first", "public")):
        before = site.agent.get_number(oid, community=community)
        wait_until(lambda: site.agent.get_number(oid, community=community) > before,
                   "another reading")


def test_a_lost_ups_keeps_its_sensors(stage, bridge_mib):
    """Rows that come and go are a nuisance to managers: they say that they know nothing instead."""
    site = quick(stage, extra="", conf=snmp_access("first", "second"))
    before = entities(site.walk(ENTITY_MIB, community="first")
                      + site.walk(SENSOR_MIB, community="first"))
    site.bridge.extra_upsd_conf = "MAXAGE 2\n"
    site.bridge.write_configuration()
    site.bridge.reload()
    site.bridge.device("first").path.unlink()
    status = SENSOR_MIB + ".1.1.1.5.210"
    wait_until(lambda: site.agent.get_number(status, community="first") == 2, "it is lost", 40)
    after = entities(site.walk(ENTITY_MIB, community="first")
                     + site.walk(SENSOR_MIB, community="first"))
    assert {title: list(values) for title, values in before.items()} == {
        title: list(values) for title, values in after.items()}
    assert set(after["entPhySensorOperStatus"].values()) == {2}
    comms = bridge_mib["ubDeviceComms"].oid

    def comms_of_all():
        return {index: value for index, value in column(site.walk(comms),
                                                        bridge_mib["ubDeviceComms"]).items()}
    lost, well = fnv("first", DEVICE_MAX), fnv("second", DEVICE_MAX)
    wait_until(lambda: comms_of_all()[lost] in (3, 4), "the site tells it")
    assert comms_of_all()[well] == 2
    walk = site.walk(BRIDGE_MIB)
    assert lost not in column(walk, bridge_mib["ubDeviceCharge"])
    assert column(walk, bridge_mib["ubDeviceUpdateAge"])[lost] >= 2
    assert site.agent.get_number(BRIDGE_MIB + ".1.1.3.0") == 1


# Clients and certificates -------------------------------------------------------------------------

def clients(site, bridge_mib):
    """[(address, user, device, tls)] in order of their numbers."""
    walk = site.walk(BRIDGE_MIB + ".1.4")
    assert violations(bridge_mib, walk) == []
    told = [column(walk, bridge_mib[f"ubClient{what}"])
            for what in ("Address", "User", "Device", "Tls")]
    return [tuple(values[index] for values in told) for index in told[0]]


def test_clients_are_seen(stage, bridge_mib):
    site = quick(stage)
    refused_before = site.agent.get_number(BRIDGE_MIB + ".1.1.7.0")
    with site.bridge.client() as idle, site.bridge.client() as client:
        idle.ask("VER")
        client.authenticate("primary", "prpw")
        wait_until(lambda: clients(site, bridge_mib) == [(LOOPBACK, "", "", 2)] * 2, "two clients")
        assert client.ask("LOGIN first") == "OK"
        wait_until(lambda: clients(site, bridge_mib) == [
            (LOOPBACK, "", "", 2), (LOOPBACK, "primary", "first", 2)], "the login")
        detail = [BRIDGE_MIB + f".1.1.{number}.0" for number in (9, 10)]
        assert idle.authenticate("nobody", "nopw").ask("FSD first") == "ERR ACCESS-DENIED"
        wait_until(lambda: site.agent.get_number(BRIDGE_MIB + ".1.1.7.0") == refused_before + 1,
                   "the refusal is counted")
        assert site.agent.get(*detail) == ["Counter32: 0", "Counter32: 1"]
        with site.bridge.client() as stranger:
            stranger.authenticate("admin", "guess")
            assert stranger.ask("FSD first") == "ERR ACCESS-DENIED"
        wait_until(lambda: site.agent.get(*detail) == ["Counter32: 1", "Counter32: 1"], "a guess")
        wait_until(lambda: len(clients(site, bridge_mib)) == 2, "it has gone")
        connections, requests = (site.agent.get_number(BRIDGE_MIB + f".1.1.{number}.0")
                                 for number in (5, 8))
        with site.bridge.client() as third:
            for _ in range(10):
                third.ask("VER")
            wait_until(lambda: site.agent.get_number(BRIDGE_MIB + ".1.1.8.0") == requests + 10,
                       "requests are counted")
            assert site.agent.get_number(BRIDGE_MIB + ".1.1.4.0") == 3
            assert site.agent.get_number(BRIDGE_MIB + ".1.1.5.0") == connections + 1
    wait_until(lambda: clients(site, bridge_mib) == [], "they have gone")
    assert site.agent.get_number(BRIDGE_MIB + ".1.1.4.0") == 0


@pytest.mark.tls
def test_certificates_are_seen(stage, binary, bridge_mib):
    pem = stage.directory / "server.pem"
    run(binary, "--make-certificate", pem, "localhost")
    port = free_udp_port()
    bridge = stage.bridge([Device("first", ON_LINE)], upsd_conf=f"CERTFILE {pem}\n",
                          snmp=f"SNMP listen udp:{LOOPBACK}:{port}\n", snmp_conf=snmp_access())
    site = Site(bridge, SnmpAgent(port))
    walk = site.walk(BRIDGE_MIB + ".1.5")
    assert violations(bridge_mib, walk) == []
    told = {name: list(column(walk, one).values()) for name, one in bridge_mib.items()}
    assert told["ubCertificateName"] == ["server"] and told["ubCertificateFile"] == [str(pem)]
    assert told["ubCertificateSubject"] == ["CN=localhost"]
    text = run("openssl", "x509", "-in", pem, "-noout", "-enddate").out
    ends = time.strptime(text.strip().partition("=")[2], "%b %d %H:%M:%S %Y %Z")
    expires = told["ubCertificateExpires"][0].encode("latin-1")
    assert expires == bytes([ends.tm_year >> 8, ends.tm_year & 255, *ends[1:6], 0]) + b"+\0\0"
    days = (time.mktime(ends) - time.mktime(time.gmtime())) // 86400
    assert abs(told["ubCertificateDaysLeft"][0] - days) <= 1
    context = ssl.create_default_context(cafile=str(pem))
    with bridge.client() as client:
        assert client.ask("STARTTLS") == "OK STARTTLS"
        client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
        assert client.ask("VER")
        wait_until(lambda: clients(site, bridge_mib) == [(LOOPBACK, "", "", 1)], "TLS is told")


# Managers -----------------------------------------------------------------------------------------

def test_snmptable_lays_the_site_out(site, tmp_path):
    for path in (*mibs.BASE_MODULES.glob("SNMPv2-*.txt"), mibs.MODULE):
        shutil.copy(path, tmp_path)
    done = run("snmptable", "-v2c", "-c", "public", "-M", tmp_path, "-m", "UPSBRIDGE-MIB", "-Ci",
               "-Cf", ";", f"{LOOPBACK}:{site.agent.port}", "UPSBRIDGE-MIB::ubDeviceTable",
               env={"SNMPCONFPATH": "/nonexistent"})
    lines = [line.split(";") for line in done.out.splitlines() if ";" in line]
    head, rows = lines[0], lines[1:]
    assert head[:6] == ["index", "ubDeviceName", "ubDeviceDescription", "ubDeviceDriver",
                        "ubDeviceComms", "ubDeviceStatus"]
    table = {row[1]: dict(zip(head, row)) for row in rows}
    assert set(table) == {device.name for device in devices()}
    assert table["edges"]["ubDeviceComms"] == "ok"
    assert table["eaton-5sc-750"]["ubDeviceModel"] == "Eaton 5SC 750"
    assert done.err == ""


def test_a_view_that_hides_the_site(stage):
    """And the walk of what can be seen does not go through all that cannot."""
    conf = (f"view few included {UPS_MIB}.1.1\nview few included {ENTITY_MIB}.1.1.1.1.7\n"
            f"view few included {BRIDGE_MIB}.1.2.1.2\nrocommunity public {LOOPBACK} -V few\n")
    site = make_site(stage, "standalone", [Device("first", ON_LINE), Device("second", ON_LINE)],
                     conf=conf)
    for tool in ("snmpwalk", "snmpbulkwalk"):
        told = [oid for oid, _ in site.walk(".1.3.6.1", tool)]
        assert {oid.rsplit(".", 1)[0] for oid in told if not oid.startswith(UPS_MIB)} == {
            ENTITY_MIB + ".1.1.1.1.7", BRIDGE_MIB + ".1.2.1.2"}
        assert sum(oid.startswith(UPS_MIB) for oid in told) == 6
        assert sum(oid.startswith(BRIDGE_MIB) for oid in told) == 2


def sysor(agent):
    return [value for oid, (_, value) in read_walk(
        agent.command("snmpwalk", ".1.3.6.1.2.1.1.9.1.2").out)]


def test_the_master_tells_of_our_modules(stage):
    ours = [UPS_MIB, ENTITY_MIB, SENSOR_MIB, BRIDGE_MIB]
    site = quick(stage, "agentx")
    wait_until(lambda: sysor(site.agent)[-4:] == ours, "the modules are told")
    site.bridge.stop()
    wait_until(lambda: not set(ours) & set(sysor(site.agent)), "they are no longer")
    site.bridge.start()
    wait_until(lambda: sysor(site.agent)[-4:] == ours, "they are told again")
