# SPDX-License-Identifier: BSD-2-Clause
"""
SETs, by net-snmp's snmpset, through snmpd and standalone alike: what each object that can be
written does to the UPS, and the error for each way of going wrong. The UPS is simulated, and reacts
to commands as its section says; upsc's eyes see what came of them.
"""

import re
import signal
import threading
import time

import pytest

from harness import (LOOPBACK, ON_LINE, SNMP_ACCESS, UPS_MIB, Device, SnmpAgent, free_udp_port,
                     full_oid, nut_program, run, snmp_access, wait_until, write)
from test_snmp_ups import SnmpUps

pytestmark = [pytest.mark.snmp_face, pytest.mark.peers("snmpget", "snmpset", "snmpd")]

READINGS = ON_LINE + """\
battery.runtime.low: 120
input.frequency.nominal: 50
input.transfer.high: 264
input.transfer.low: 180
input.voltage.nominal: 230
output.frequency.nominal: 50
output.voltage.nominal: 230
ups.beeper.status: enabled
ups.delay.shutdown: 20
ups.delay.start: 30
ups.power.nominal: 1000
ups.realpower.nominal: 900
ups.start.auto: yes
ups.test.result: none yet
"""

NAME, ATTACHED = "1.5.0", "1.6.0"
TEST, LOCK, SUMMARY, DETAIL = "7.1.0", "7.2.0", "7.3.0", "7.4.0"
TYPE, SHUTDOWN, STARTUP, REBOOT, RESTART = (f"8.{i}.0" for i in range(1, 6))
LOW_BATTERY, BEEPER, LOW, HIGH = "9.7.0", "9.8.0", "9.9.0", "9.10.0"
ALARM_DESCRIPTIONS = f"{UPS_MIB}.1.6.2.1.2"
GENERAL, QUICK, DEEP, ABORT, NO_TEST = (f"{UPS_MIB}.1.7.7.{i}" for i in (3, 4, 5, 2, 1))

PASSED, WARNING, FAILED, ABORTED, RUNNING = range(1, 6)

REACTIONS = {
    "command__load__off": "ups.status: OL OFF",
    "command__load__on": "ups.status: OL",
    "command__load__off__delay": "driver.seen: load.off.delay $1; ups.timer.shutdown: $1",
    "command__load__on__delay": "ups.timer.start: $1",
    "command__shutdown__return": "ups.contacts: shutdown.return",
    "command__shutdown__stayoff": "ups.contacts: shutdown.stayoff",
    "command__shutdown__reboot": "ups.contacts: shutdown.reboot",
    "command__shutdown__stop": "ups.timer.shutdown: -1; ups.timer.start: -1",
    "command__beeper__disable": "ups.beeper.status: disabled",
    "command__beeper__enable": "ups.beeper.status: enabled",
    "command__beeper__mute": "ups.beeper.status: muted",
    "command__test__battery__start": "ups.status: OL TEST; ups.test.result: In progress",
    "command__test__battery__start__quick": "ups.test.result: Done and passed",
    "command__test__battery__start__deep": "fails",
    "command__test__battery__stop": "ups.status: OL; ups.test.result: stopped",
}

WRITERS = """\
rwcommunity writer 127.0.0.1 -V all
view names included .1.3.6.1.2.1.33.1.1
rwcommunity limited 127.0.0.1 -V names
createUser writer SHA "writer-auth-pass" AES "writer-priv-pass"
rwuser writer priv -V all *
com2sec -Cn second secondWriter 127.0.0.1 second-rw
group secondWriterGroup v2c secondWriter
access secondWriterGroup second any noauth exact all all none
"""


class Writer(SnmpAgent):
    VERSIONS = {
        "v1": ["-v1", "-c", "writer"],
        "v2c": ["-v2c", "-c", "writer"],
        "v3": ["-v3", "-u", "writer", "-l", "authPriv", "-a", "SHA", "-A", "writer-auth-pass",
               "-x", "AES", "-X", "writer-priv-pass"],
    }

    def set(self, *triples, **options):
        """(object, type, value) ...; None if it went well, else (error, index)."""
        words = [str(word) for oid, kind, value in triples for word in (full_oid(oid), kind, value)]
        done = self.command("snmpset", *words, check=False, **{"retries": 0, **options})
        if done.returncode == 0:
            return None
        said = done.out + done.err
        reason = re.search(r"Reason:\s*\(?(\w+)", said)
        failed = re.search(r"Failed object:\s*(\S+)", said)
        assert reason, said
        oids = [full_oid(oid) for oid, _, _ in triples]
        return reason[1], oids.index(failed[1]) + 1 if failed else 0

    def lock(self):
        return self.get_number(LOCK)

    def start_test(self, test):
        return self.set((TEST, "o", test), (LOCK, "i", self.lock()))

    def alarms(self, **options):
        walk = self.walk(ALARM_DESCRIPTIONS, **options)
        return {int(value.rsplit(".", 1)[1]) for value in walk.values()
                if value.startswith("OID: ")}


class World:
    """upsbridged, reached by one of its two ways."""

    def __init__(self, stage, way, devices, write="SNMP write yes\n"):
        if way == "agentx":
            snmpd = stage.snmpd(["ups"], conf=WRITERS)
            self.master, port = snmpd, snmpd.port
            snmp, conf = f"SNMP agentx unix:{snmpd.agentx}\n", ""
        else:
            port = free_udp_port()
            self.master = None
            snmp, conf = f"SNMP listen udp:{LOOPBACK}:{port}\n", snmp_access("ups") + WRITERS
        self.bridge = stage.bridge(devices, snmp=snmp + write, snmp_conf=conf)
        self.agent = Writer(port)
        wait_until(lambda: self.agent.answers(community="ups"), "it is served")

    def value(self, variable, ups="ups"):
        with self.bridge.client() as client:
            return client.value(ups, variable)

    def wait(self, variable, expected, ups="ups"):
        self.bridge.wait_value(ups, variable, expected)


def reacting(name="ups", readings=READINGS, **changes):
    reactions = {key: value for key, value in {**REACTIONS, **changes}.items() if value}
    return Device(name, readings, **reactions)


@pytest.fixture(scope="module", params=["agentx", "standalone"])
def way(request):
    return request.param


@pytest.fixture
def world(stage, way):
    return World(stage, way, [reacting(), reacting("second")])


# Identification ---------------------------------------------------------------------------------

@pytest.mark.parametrize("version", ["v1", "v2c", "v3"])
def test_names_are_kept_over_a_restart(world, version):
    agent = world.agent
    assert agent.get_text(NAME) == "ups" and agent.get(ATTACHED) == ['""']
    assert agent.set((NAME, "s", 'Cellar "A" #1 100%'), (ATTACHED, "s", "two \\ routers "),
                     version=version) is None
    assert agent.get(NAME)[0] == r'STRING: "Cellar \"A\" #1 100%"'
    assert agent.get(ATTACHED)[0] == r'STRING: "two \\ routers "'
    assert agent.get_text(NAME, version="v3", context="second") == "second"
    world.bridge.stop()
    world.bridge.start()
    wait_until(lambda: agent.answers(community="ups"), "it is served again")
    assert agent.get(NAME)[0] == r'STRING: "Cellar \"A\" #1 100%"'
    assert agent.get(ATTACHED)[0] == r'STRING: "two \\ routers "'


def test_each_device_has_its_own_name(world):
    assert world.agent.set((NAME, "s", "Attic"), community="second-rw") is None
    assert world.agent.get_text(NAME, version="v3", context="second") == "Attic"
    assert world.agent.get_text(NAME, version="v3", context="ups") == "ups"


def test_a_corrupt_file_is_set_aside(world):
    world.agent.set((NAME, "s", "Attic"))
    world.bridge.stop()
    path = world.bridge.directory / "state" / "snmp-written"
    write(path, path.read_text().replace("upsIdentName", "upsIdentGarbage"))
    world.bridge.start()
    world.bridge.program.wait_log("makes no sense")
    wait_until(lambda: world.agent.answers(community="ups"), "it is served again")
    assert world.agent.get_text(NAME) == "ups"
    assert "Garbage" in path.with_name("snmp-written.bad").read_text(errors="replace")
    assert world.agent.set((NAME, "s", "Attic again")) is None
    assert "Attic again" in path.read_text()


def test_what_cannot_be_kept_is_not_set(world):
    """A directory stands where the file must go: nobody's rights help there, root's neither."""
    (world.bridge.directory / "state" / "snmp-written" / "x").mkdir(parents=True)
    assert world.agent.set((NAME, "s", "Attic")) == ("commitFailed", 1)
    assert world.agent.get_text(NAME) == "ups"
    assert world.agent.set((LOCK, "i", 1), (NAME, "s", "Attic")) == ("commitFailed", 2)
    assert world.agent.lock() == 1


# Tests ------------------------------------------------------------------------------------------

def test_a_test_and_its_outcome(world):
    agent = world.agent
    assert agent.get(TEST) == [f"OID: {NO_TEST}"]
    assert agent.start_test(QUICK) is None
    assert agent.get(TEST) == [f"OID: {QUICK}"]
    wait_until(lambda: agent.get_number(SUMMARY) == PASSED, "the outcome")
    assert agent.get_text(DETAIL) == "Done and passed"
    assert agent.lock() == 2
    assert agent.get(TEST) == [f"OID: {QUICK}"]


def test_a_test_is_aborted(world):
    agent = world.agent
    assert agent.start_test(GENERAL) is None
    world.wait("ups.status", "OL TEST")
    assert agent.get_number(SUMMARY) == RUNNING
    assert 24 in agent.alarms()
    assert agent.start_test(QUICK) == ("inconsistentValue", 1)
    assert agent.start_test(ABORT) is None
    wait_until(lambda: agent.get_number(SUMMARY) == ABORTED, "the abortion")
    assert 24 not in agent.alarms()
    assert agent.get(TEST) == [f"OID: {GENERAL}"]
    assert agent.start_test(ABORT) == ("inconsistentValue", 1)
    assert agent.lock() == 3


def test_a_test_that_the_ups_refuses(world):
    agent = world.agent
    assert agent.start_test(DEEP) == ("commitFailed", 1)
    assert agent.lock() == 1
    assert agent.get(TEST) == [f"OID: {NO_TEST}"]
    assert agent.get_number(SUMMARY) == 6
    world.bridge.program.wait_log("the UPS did not do it")


def test_two_managers_and_the_lock(world):
    """RFC 1628's example: both read the lock, and only one gets the test."""
    agent = world.agent
    first = second = agent.lock()
    assert agent.set((LOCK, "i", first), (TEST, "o", QUICK)) is None
    assert agent.set((LOCK, "i", second), (TEST, "o", QUICK)) == ("inconsistentValue", 1)
    assert agent.set((TEST, "o", QUICK), (LOCK, "i", second)) == ("inconsistentValue", 2)
    assert agent.set((TEST, "o", QUICK)) == ("inconsistentValue", 1)
    assert agent.lock() == first + 1
    assert agent.set((LOCK, "i", first + 1)) is None
    assert agent.lock() == first + 2


def test_managers_at_the_same_time(world):
    agent = world.agent
    lock = agent.lock()
    outcomes = []

    def contend():
        outcomes.append(agent.set((LOCK, "i", lock), (NAME, "s", "mine"), timeout=20))

    managers = [threading.Thread(target=contend) for _ in range(8)]
    for manager in managers:
        manager.start()
    for manager in managers:
        manager.join()
    assert sorted(outcomes, key=str).count(None) == 1, outcomes
    assert set(outcomes) == {None, ("inconsistentValue", 1)}
    assert agent.lock() == lock + 1


# Control ----------------------------------------------------------------------------------------

def test_the_output_goes_off_and_on(world):
    agent = world.agent
    assert agent.set((SHUTDOWN, "i", 0)) is None
    world.wait("ups.status", "OL OFF")
    wait_until(lambda: {11, 14} <= agent.alarms(), "off as requested")
    assert agent.set((STARTUP, "i", 0)) is None
    world.wait("ups.status", "OL")
    wait_until(lambda: not agent.alarms() & {11, 14}, "on again")


def test_a_shutdown_with_return(world):
    agent = world.agent
    assert agent.get_number(SHUTDOWN) == -1
    assert agent.set((SHUTDOWN, "i", 100)) is None
    world.wait("ups.contacts", "shutdown.return")
    assert 90 <= agent.get_number(SHUTDOWN) <= 100
    assert 22 in agent.alarms() and 23 not in agent.alarms()
    world.wait("ups.delay.shutdown", "20")
    assert agent.set((SHUTDOWN, "i", -1)) is None
    assert agent.get_number(SHUTDOWN) == -1
    assert 22 not in agent.alarms()
    assert agent.set((SHUTDOWN, "i", -1)) is None


def test_a_shutdown_is_imminent(world):
    assert world.agent.set((SHUTDOWN, "i", 7)) is None
    assert 22 in world.agent.alarms()
    wait_until(lambda: 23 in world.agent.alarms(), "it is imminent")
    wait_until(lambda: not world.agent.alarms() & {22, 23}, "the end of the countdown")
    assert world.agent.get_number(SHUTDOWN) == -1


def test_a_shutdown_without_return(world):
    agent = world.agent
    assert agent.set((SHUTDOWN, "i", 60), (RESTART, "i", 2)) is None
    world.wait("ups.timer.shutdown", "60")
    world.wait("ups.start.auto", "no")
    assert agent.get_number(RESTART) == 2
    assert agent.set((SHUTDOWN, "i", -1), (RESTART, "i", 1), (TYPE, "i", 2)) is None
    world.wait("ups.timer.shutdown", "-1")
    assert agent.get_number(TYPE) == 2
    assert agent.set((SHUTDOWN, "i", 30), (RESTART, "i", 2)) is None
    world.wait("ups.contacts", "shutdown.stayoff")


def test_startup_and_reboot(world):
    agent = world.agent
    assert agent.set((STARTUP, "i", 45)) is None
    world.wait("ups.timer.start", "45")
    assert agent.get_number(STARTUP) == 45
    assert agent.set((STARTUP, "i", -1)) is None
    assert agent.get_number(STARTUP) == -1
    assert agent.set((REBOOT, "i", 60)) is None
    world.wait("ups.contacts", "shutdown.reboot")
    world.wait("ups.delay.start", "30")
    assert 50 <= agent.get_number(REBOOT) <= 60
    assert agent.set((REBOOT, "i", 5), (SHUTDOWN, "i", 5)) == ("inconsistentValue", 2)


def test_commands_of_nut_clients_count_as_well(world):
    with world.bridge.client() as client:
        client.authenticate("admin", "secret")
        assert client.ask("INSTCMD ups load.off") == "OK"
    wait_until(lambda: 11 in world.agent.alarms(), "off as requested")


def test_waiting_for_the_mains(world):
    agent = world.agent
    assert agent.set((SHUTDOWN, "i", 30)) is None
    world.bridge.device("ups").change(ups__status="OB OFF")
    wait_until(lambda: {11, 21} <= agent.alarms(), "awaiting power")


# Configuration ----------------------------------------------------------------------------------

CONFIGURATION = {
    "9.1.0": (208, "input.voltage.nominal", "208"),
    "9.2.0": (600, "input.frequency.nominal", "60"),
    "9.3.0": (240, "output.voltage.nominal", "240"),
    "9.4.0": (505, "output.frequency.nominal", "50.5"),
    "9.7.0": (3, "battery.runtime.low", "180"),
    "9.8.0": (1, "ups.beeper.status", "disabled"),
    "9.9.0": (190, "input.transfer.low", "190"),
    "9.10.0": (250, "input.transfer.high", "250"),
}


def test_each_object_of_the_configuration(world):
    for oid, (number, variable, text) in CONFIGURATION.items():
        assert world.agent.set((oid, "i", number)) is None, oid
        world.wait(variable, text)
        assert world.agent.get_number(oid) == number


def test_all_at_once(world):
    assert world.agent.set(*[(oid, "i", number) for oid, (number, _, _) in CONFIGURATION.items()],
                           (NAME, "s", "all"), (LOCK, "i", 1)) is None
    for _, variable, text in CONFIGURATION.values():
        world.wait(variable, text)
    assert world.agent.lock() == 2


def test_the_beeper(world):
    agent = world.agent
    assert agent.set((BEEPER, "i", 3)) is None
    assert agent.get_number(BEEPER) == 2, "a silent beeper cannot be muted"
    world.bridge.device("ups").change(ups__status="OB")
    world.wait("ups.status", "OB")
    assert agent.set((BEEPER, "i", 3)) is None
    world.wait("ups.beeper.status", "muted")


# Errors -----------------------------------------------------------------------------------------

REFUSALS = [
    ("1.1.0", "s", "Acme", "notWritable", "noSuchName"),
    ("2.4.0", "i", 50, "notWritable", "noSuchName"),
    ("9.5.0", "i", 50, "notWritable", "noSuchName"),
    ("1.99.0", "i", 50, "notWritable", "noSuchName"),
    (NAME, "i", 5, "wrongType", "badValue"),
    (SHUTDOWN, "u", 5, "wrongType", "badValue"),
    (TEST, "i", 0, "wrongType", "badValue"),
    (NAME, "s", "x" * 64, "wrongLength", "badValue"),
    (NAME, "x", "41ff", "wrongValue", "badValue"),
    (SHUTDOWN, "i", -2, "wrongValue", "badValue"),
    (REBOOT, "i", 301, "wrongValue", "badValue"),
    (TYPE, "i", 3, "wrongValue", "badValue"),
    (RESTART, "i", 0, "wrongValue", "badValue"),
    (BEEPER, "i", 4, "wrongValue", "badValue"),
    (LOCK, "i", -1, "wrongValue", "badValue"),
    ("1.5.1", "s", "x", "noCreation", "noSuchName"),
    ("8.2.0.0", "i", 5, "noCreation", "noSuchName"),
    (LOCK, "i", 17, "inconsistentValue", "badValue"),
    (TEST, "o", NO_TEST, "inconsistentValue", "badValue"),
]


@pytest.mark.parametrize("version", ["v1", "v2c", "v3"])
def test_each_error(world, version):
    for oid, kind, value, error, old in REFUSALS:
        expected = old if version == "v1" else error
        assert world.agent.set((oid, kind, value), version=version) == (expected, 1), (oid, value)
        # It stands where it stands, and what came before it is not done.
        both = world.agent.set((ATTACHED, "s", "changed"), (LOW, "i", 1), (oid, kind, value),
                               version=version)
        assert both == (expected, 3), (oid, value)
    assert world.agent.get(ATTACHED) == ['""']
    assert world.value("input.transfer.low") == "180"
    assert world.agent.lock() == 1


def test_vacm_decides_who_may_write(world):
    assert world.agent.set((LOW, "i", 1), community="limited") == ("noAccess", 1)
    assert world.agent.set((NAME, "s", "ok"), community="limited") is None
    assert world.agent.set((NAME, "s", "no"), community="public") == ("noAccess", 1)
    assert world.agent.get_text(NAME) == "ok"


def test_nothing_is_writable_unless_it_is_said(stage, way):
    world = World(stage, way, [reacting()], write="")
    assert world.agent.set((NAME, "s", "x")) == ("notWritable", 1)
    world.bridge.snmp += "SNMP write yes\n"
    world.bridge.write_configuration()
    world.bridge.reload()
    wait_until(lambda: world.agent.set((NAME, "s", "x")) is None, "writable after a reload")


def test_a_ups_that_can_do_nothing(stage, way):
    """The simulated UPS has load.off, if only by name; and no variable of the others."""
    world = World(stage, way, [Device("ups", ON_LINE)])
    for oid in (TYPE, STARTUP, REBOOT, RESTART, LOW_BATTERY, BEEPER, LOW, HIGH, "9.1.0"):
        assert world.agent.set((oid, "i", 1)) == ("notWritable", 1), oid
    assert world.agent.start_test(QUICK) == ("inconsistentValue", 1)
    assert world.agent.set((SHUTDOWN, "i", 0)) == ("commitFailed", 1)
    assert world.agent.set((SHUTDOWN, "i", 5)) == ("inconsistentValue", 1)


def test_a_ups_that_is_gone(world):
    world.bridge.extra_upsd_conf = "MAXAGE 1\n"
    world.bridge.write_configuration()
    world.bridge.reload()
    path = world.bridge.device("ups").path
    path.unlink()
    wait_until(lambda: 20 in world.agent.alarms(), "communications are lost")
    assert world.agent.set((SHUTDOWN, "i", 0)) == ("resourceUnavailable", 1)
    assert world.agent.set((NAME, "s", "still")) is None


# Waiting for the device -------------------------------------------------------------------------

def test_a_failure_takes_back_what_was_done(stage, way):
    world = World(stage, way, [reacting(set__input__transfer__high="fails")])
    failed = world.agent.set((NAME, "s", "new"), (LOW, "i", 150), (LOCK, "i", 1), (HIGH, "i", 280))
    assert failed == ("commitFailed", 4)
    world.wait("input.transfer.low", "180")
    assert world.agent.get_text(NAME) == "ups" and world.agent.lock() == 1
    world.bridge.stop()
    world.bridge.start()
    wait_until(lambda: world.agent.answers(community="ups"), "it is served again")
    assert world.agent.get_text(NAME) == "ups"


def test_a_slow_ups_holds_up_nobody(stage, way):
    """The answer does not wait for ever, and NUT's clients do not wait at all."""
    world = World(stage, way, [reacting(command__load__off="after 3; ups.status: OL OFF"),
                               Device("other", ON_LINE)])
    longest, stop = [0], threading.Event()

    def watch():
        with world.bridge.client() as client:
            while not stop.is_set():
                asked = time.monotonic()
                assert client.ask("GET VAR other ups.status").endswith('"OL"')
                longest[0] = max(longest[0], time.monotonic() - asked)

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.monotonic()
    outcome = world.agent.set((SHUTDOWN, "i", 0), timeout=20)
    took = time.monotonic() - began
    assert outcome is None
    assert world.value("ups.status") == "OL" or took > 2.5
    assert world.agent.set((STARTUP, "i", 0)) in (("resourceUnavailable", 1), None)
    world.wait("ups.status", lambda status: "OFF" in status)
    wait_until(lambda: 11 in world.agent.alarms(), "off as requested")
    stop.set()
    watcher.join()
    assert longest[0] < 1


def test_a_late_failure_is_told(stage, way):
    world = World(stage, way, [reacting(command__test__battery__start__quick="after 2; fails")])
    assert world.agent.start_test(QUICK) is None
    assert world.agent.get_number(SUMMARY) == RUNNING and 24 in world.agent.alarms()
    wait_until(lambda: world.agent.get_number(SUMMARY) == ABORTED, "the failure")
    assert world.agent.get_text(DETAIL) == "the UPS did not start the test"
    assert 24 not in world.agent.alarms()
    world.bridge.program.wait_log("the UPS did not do it: upsTestId")


def test_snmpd_is_killed_in_the_midst(stage):
    world = World(stage, "agentx", [reacting(command__load__off="after 2; ups.status: OL OFF")])
    setter = threading.Thread(target=lambda: world.agent.command(
        "snmpset", full_oid(SHUTDOWN), "i", 0, check=False, timeout=1, retries=0))
    setter.start()
    world.bridge.program.wait_log("SNMP sets upsShutdownAfterDelay = 0")
    world.master.kill()
    setter.join()
    world.wait("ups.status", lambda status: "OFF" in status)
    world.master.start()
    wait_until(lambda: world.agent.answers(community="ups"), "it is served again")
    assert world.agent.set((STARTUP, "i", 0)) is None
    world.wait("ups.status", "OL")


def test_snmpd_is_stopped_in_the_midst(stage):
    world = World(stage, "agentx", [reacting(command__load__off="after 0.4; ups.status: OL OFF")])
    setter = threading.Thread(target=lambda: world.agent.command(
        "snmpset", full_oid(SHUTDOWN), "i", 0, check=False, timeout=10, retries=0))
    setter.start()
    world.bridge.program.wait_log("SNMP sets upsShutdownAfterDelay = 0")
    world.master.program.signal(signal.SIGSTOP)
    world.wait("ups.status", lambda status: "OFF" in status)
    world.master.program.signal(signal.SIGCONT)
    setter.join()
    assert world.agent.set((STARTUP, "i", 0)) is None


def test_a_reload_takes_the_ups_away_in_the_midst(stage, way):
    world = World(stage, way, [reacting(command__load__off="after 5; ups.status: OL OFF"),
                               reacting("second")])
    setter = threading.Thread(target=lambda: world.agent.command(
        "snmpset", full_oid(SHUTDOWN), "i", 0, check=False, timeout=2, retries=0))
    setter.start()
    world.bridge.program.wait_log("SNMP sets upsShutdownAfterDelay = 0")
    world.bridge.devices = world.bridge.devices[1:]
    world.bridge.write_configuration()
    world.bridge.reload()
    setter.join()
    wait_until(lambda: world.agent.get_text(NAME) == "second", "the other UPS")
    assert world.agent.set((NAME, "s", "first")) is None


# NUT's snmp-ups ---------------------------------------------------------------------------------

@pytest.mark.peers("snmp-ups", "upsd", "upscmd")
def test_snmp_ups_switches_the_load(stage):
    port = free_udp_port()
    bridge = stage.bridge([reacting()], snmp=f"SNMP listen udp:{LOOPBACK}:{port}\nSNMP write yes\n",
                          snmp_conf=SNMP_ACCESS.format(communities="") +
                          "rwcommunity ups 127.0.0.1 -V all\n")
    peer = SnmpUps(stage.directory / "snmp-ups", ["ups"], port)
    write(peer.directory / "upsd.users", "[admin]\n\tpassword = secret\n\tactions = SET\n"
          "\tinstcmds = ALL\n")
    stage.add(peer, peer.program, *peer.drivers).start()

    def command(name):
        run(nut_program("upscmd"), "-w", "-u", "admin", "-p", "secret",
            f"ups@{LOOPBACK}:{peer.port}", name)

    command("load.off")
    bridge.wait_value("ups", "ups.status", "OL OFF")
    command("load.on")
    bridge.wait_value("ups", "ups.status", "OL")
    command("beeper.disable")
    bridge.wait_value("ups", "ups.beeper.status", "disabled")
    command("beeper.enable")
    bridge.wait_value("ups", "ups.beeper.status", "enabled")
