# SPDX-License-Identifier: BSD-2-Clause
"""
Notifications of upsbridged as an agent of its own: to snmptrapd, in each version and way that
upsbridge-snmp.conf has words for. (What is told when is in test_snmp_traps.py.)
"""

import signal
import socket

import pytest

import upsmib
from harness import (LOOPBACK, ON_LINE, Device, SnmpAgent, free_udp_port, snmp_access, wait_until)
from trapd import ENGINE, IDENT_NAME, TRAPS, USER, Trapd

pytestmark = [pytest.mark.snmp_face, pytest.mark.peers("snmptrapd", "snmpget")]

V3 = "-v3 " + " ".join(USER)
# Receivers of SNMPv3 traps have to know the sender's engine.
ENGINE_LINE = f"exactEngineID {ENGINE}\n"


def start_trapd(stage, **settings):
    trapd = Trapd(stage.directory / settings.get("name", "snmptrapd"), **settings)
    return stage.add(trapd, trapd.program).start()


def serve(stage, conf, devices=None, **settings):
    port = free_udp_port()
    bridge = stage.bridge(devices or [Device("first", ON_LINE), Device("ups", ON_LINE)],
                          snmp=f"SNMP listen udp:{LOOPBACK}:{port}\n",
                          snmp_conf=snmp_access("first", "ups") + ENGINE_LINE + conf, **settings)
    return bridge, SnmpAgent(port)


def rewrite(bridge, conf):
    bridge.snmp_conf = snmp_access("first", "ups") + ENGINE_LINE + conf
    bridge.write_configuration()
    mark = len(bridge.program.log())
    bridge.reload()
    # What happens from now on comes after it: the reload is not left before it is done.
    bridge.program.wait_log("SIGHUP: reloading", after=mark)


def on_battery(bridge, ups="ups"):
    bridge.device(ups).change(ups__status="OB")


# Every kind of sink -----------------------------------------------------------------------------

@pytest.mark.parametrize("line, security", [
    ("trap2sink {} private", "TRAP2, SNMP v2c, community private"),
    ("trap2sink {}", "TRAP2, SNMP v2c, community public"),
    ("trapcommunity other\ntrap2sink {}", "TRAP2, SNMP v2c, community other"),
    ("informsink {} private", "INFORM, SNMP v2c, community private"),
    ("trapsess -v2c -c private {}", "TRAP2, SNMP v2c, community private"),
    ("trapsess -v 2c -Ci -c private {}", "INFORM, SNMP v2c, community private"),
    (f"trapsess {V3} {{}}", "TRAP2, SNMP v3, user teller, context ups"),
    (f"trapsess -e {ENGINE} {V3} {{}}", "TRAP2, SNMP v3, user teller, context ups"),
    (f"trapsess -Ci {V3} {{}}", "INFORM, SNMP v3, user teller, context ups"),
])
def test_sinks(stage, line, security):
    trapd = start_trapd(stage)
    bridge, agent = serve(stage, line.format(trapd.address) + "\n")
    on_battery(bridge)
    told = trapd.wait_what("ups", "OnBattery")[0]
    assert told.security == security
    assert [oid for oid, _ in told.objects] == [upsmib.OBJECTS + name for name in
                                                ("2.3.0", "2.2.0", "9.7.0", "1.5.0")]
    ticks = int(told.variables[0][1].split("(")[1].split(")")[0])
    assert 0 <= ticks <= agent.get_number(upsmib.SYSTEM + "3.0")
    trapd.wait_what("ups", "Added", 6)
    bridge.device("ups").change(ups__status="OL")
    online = trapd.wait_what("ups", "OnLine")[0]
    assert online.context() is None
    trapd.wait_what("ups", "Removed", 6)
    assert len(trapd.received()) == 5


@pytest.mark.parametrize("line", ["trapsink {} old", "trapsess -v1 -c old {}"])
def test_sinks_of_version_1(stage, line):
    trapd = start_trapd(stage)
    bridge, _ = serve(stage, line.format(trapd.address) + "\n")
    on_battery(bridge)
    wait_until(lambda: len(trapd.received_v1()) == 2, "two traps")
    enterprise, generic, specific, variables = trapd.received_v1()[0]
    assert (enterprise, generic, specific) == (TRAPS.rstrip("."), 6, 1)
    assert variables[-1] == f'{IDENT_NAME} = STRING: "ups"'


def test_several_sinks_and_the_usual_form_of_an_address(stage):
    trapds = [start_trapd(stage, name=f"trapd{number}") for number in range(3)]
    bridge, _ = serve(stage, f"trap2sink localhost:{trapds[0].port}\n"
                             f"trap2sink {LOOPBACK} public {trapds[1].port}\n"
                             f"informsink {LOOPBACK}:{trapds[2].port}\n")
    on_battery(bridge)
    for trapd in trapds:
        trapd.wait_what("ups", "OnBattery")
        trapd.wait_what("ups", "Added", 6)


@pytest.mark.parametrize("line", [
    "trap2sink", "trap2sink tcp:127.0.0.1:162", "trap2sink 127.0.0.1:snmptrap",
    "trap2sink 127.0.0.1 public 162 more", "trapsess 127.0.0.1", "trapsess -v2c 127.0.0.1",
    "trapsess -v3 127.0.0.1", "trapsess -v1 -Ci -c public 127.0.0.1",
    "trapsess -Cx -v2c -c public 127.0.0.1", "trapsess -v2c -c public 127.0.0.1 more",
    "trapsess -v3 -u teller -l authPriv -a SHA -A short -x AES -X short 127.0.0.1",
])
def test_wrong_lines_end_a_start(stage, line):
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False,
                          snmp=f"SNMP listen udp:{LOOPBACK}:{free_udp_port()}\n",
                          snmp_conf=snmp_access() + line + "\n")
    bridge.program.start()
    assert bridge.program.wait() == 1
    assert "upsbridge-snmp.conf is wrong, as said above" in bridge.program.log()
    bridge.program.process = None


# Receivers that are not there -------------------------------------------------------------------

def test_a_silent_receiver_of_informs_gets_them_later(stage):
    """And nobody waits for it meanwhile."""
    port = free_udp_port()
    other = start_trapd(stage, name="other")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((LOOPBACK, port))
        bridge, agent = serve(stage, f"trapsess -v2c -Ci -c public -t 0.1 -r 1 {LOOPBACK}:{port}\n"
                                     f"trapsess -Ci {V3} -t 0.1 -r 1 {LOOPBACK}:{port}\n"
                                     f"trap2sink {other.address}\n")
        on_battery(bridge)
        other.wait_what("ups", "OnBattery")
        bridge.program.wait_log(f"notifications to {LOOPBACK}:{port} have to wait")
        assert agent.get_number("4.1.0", community="ups") == upsmib.BATTERY
        bridge.device("ups").change(ups__status="OL")
        other.wait_what("ups", "OnLine")
    trapd = start_trapd(stage, port=port)
    kinds = {"INFORM, SNMP v2c, community public", "INFORM, SNMP v3, user teller, context ups"}
    wait_until(lambda: {one.security for one in trapd.received()
                        if one.what() == ("ups", "OnBattery")} == kinds and
               {one.security for one in trapd.received()
                if one.what() == ("ups", "Removed", 6)} == kinds, "informs at last", 60)


def test_nobody_listens(stage):
    trapd = start_trapd(stage)
    bridge, _ = serve(stage, f"trap2sink {LOOPBACK}:{free_udp_port()}\n"
                             f"trap2sink {trapd.address}\n")
    on_battery(bridge)
    trapd.wait_what("ups", "Added", 6)


def test_a_host_without_an_address(stage):
    trapd = start_trapd(stage)
    bridge, agent = serve(stage, "trap2sink no-such-host.invalid\n"
                                 f"trap2sink {trapd.address}\n")
    on_battery(bridge)
    trapd.wait_what("ups", "Added", 6)
    bridge.program.wait_log("notifications to no-such-host.invalid:162 have to wait", timeout=60)
    assert agent.get_number("4.1.0", community="ups") == upsmib.BATTERY


def test_a_stopped_receiver(stage):
    trapd = start_trapd(stage)
    bridge, agent = serve(stage, f"informsink {trapd.address}\n")
    trapd.program.signal(signal.SIGSTOP)
    on_battery(bridge)
    bridge.wait_value("ups", "ups.status", "OB")
    assert agent.get_number("4.1.0", community="ups") == upsmib.BATTERY
    trapd.program.signal(signal.SIGCONT)
    trapd.wait_what("ups", "OnBattery")
    trapd.wait_what("ups", "Added", 6)


# Reload -----------------------------------------------------------------------------------------

def test_a_reload_reads_sinks_anew(stage):
    old, new = start_trapd(stage, name="old"), start_trapd(stage, name="new")
    bridge, _ = serve(stage, f"trap2sink {old.address}\n")
    on_battery(bridge, "first")
    old.wait_what("first", "Added", 6)
    rewrite(bridge, f"informsink {new.address}\n")
    on_battery(bridge)
    new.wait_what("ups", "Added", 6)
    rewrite(bridge, "")
    bridge.device("ups").change(ups__status="OL")
    bridge.wait_value("ups", "ups.status", "OL")
    rewrite(bridge, f"trap2sink {new.address}\ntrap2sink {old.address}\n")
    bridge.device("first").change(ups__status="OL")
    old.wait_what("first", "Removed", 6)
    new.wait_what("first", "Removed", 6)
    assert not [one for one in old.received() if one.ups() == "ups"]
    assert not [one for one in new.received() if one.what() == ("ups", "Removed", 6)]


def test_a_wrong_line_at_a_reload_is_left_out(stage):
    trapd = start_trapd(stage)
    bridge, _ = serve(stage, f"trap2sink {trapd.address}\n")
    mark = len(bridge.program.log())
    rewrite(bridge, f"trap2sink tcp:127.0.0.1:1\ntrap2sink {trapd.address}\n")
    bridge.program.wait_log("what is wrong in it, as said above, is left out", after=mark)
    on_battery(bridge)
    trapd.wait_what("ups", "Added", 6)


@pytest.mark.parametrize("command", ["", "-Ci "])
def test_a_new_passphrase_at_a_reload(stage, command):
    trapd = start_trapd(stage)
    wrong = V3.replace("teller-priv-pass", "another-priv-pass")
    bridge, _ = serve(stage, f"trapsess {command}{wrong} {trapd.address}\n")
    on_battery(bridge, "first")
    # What snmptrapd says of what it cannot decrypt.
    trapd.program.wait_log("error parsing ScopedPDU")
    rewrite(bridge, f"trapsess {command}{V3} {trapd.address}\n")
    on_battery(bridge)
    trapd.wait_what("ups", "Added", 6)
    # Nobody knows that a trap was not understood; an inform was not confirmed.
    assert bool([one for one in trapd.received() if one.ups() == "first"]) == bool(command)


# Floods -----------------------------------------------------------------------------------------

MANY = 300


@pytest.mark.parametrize("line", ["trap2sink", "informsink"])
def test_all_devices_at_once(stage, line):
    trapd = start_trapd(stage)
    bridge, _ = serve(stage, f"{line} {trapd.address}\n",
                      [Device(f"ups{number}", ON_LINE) for number in range(MANY)])
    for device in bridge.devices:
        device.change(ups__status="OB")
    wait_until(lambda: len({one.what() for one in trapd.received()}) == 2 * MANY, "all of them", 60,
               0.5)
    assert len(trapd.received()) >= 2 * MANY
