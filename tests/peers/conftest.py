# SPDX-License-Identifier: BSD-2-Clause
"""
Fixtures of the peer tests. Each starts real programs in a directory of the test's own, stops them
at its end, and shows their logs when the test fails.

UPSBRIDGED names the binary under test (default: upsbridged in build/ or the top folder).
"""

import functools
import os
import socket
from pathlib import Path

import pytest

import harness
import usb_testbed

TOP = Path(__file__).resolve().parent.parent.parent


def pytest_configure(config):
    config.addinivalue_line("markers", "peers(*programs): needs these programs of others")
    config.addinivalue_line("markers", "usb: needs the USB testbed, and an upsbridged with libusb")
    config.addinivalue_line("markers", "tls: needs an upsbridged built with OpenSSL")
    config.addinivalue_line("markers", "modbus: needs an upsbridged built with libmodbus")
    config.addinivalue_line("markers", "snmp_face: needs an upsbridged built with net-snmp")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    programs = getattr(item, "programs", []) + getattr(item.parent, "programs", [])
    for program in programs:
        log = program.log()
        report.sections.append((f"log of {program.name} {program.log_path}", log[-20000:]))


@functools.lru_cache
def find_binary():
    """The upsbridged under test, or None."""
    named = os.environ.get("UPSBRIDGED")
    candidates = [Path(named)] if named else [TOP / "build" / "upsbridged", TOP / "upsbridged"]
    return next((str(path.resolve()) for path in candidates if path.is_file()), None)


@functools.lru_cache
def has_snmp_face():
    """A binary that is missing fails the tests by itself."""
    return find_binary() is None or "--without-netsnmp" not in harness.run(find_binary(), "-V").out


@functools.lru_cache
def has_tls():
    return find_binary() is None or "--without-openssl" not in harness.run(find_binary(), "-V").out


@functools.lru_cache
def has_modbus():
    return (find_binary() is None
            or " modbus (" in harness.run(find_binary(), "-V").out)


@functools.lru_cache
def missing_for_usb():
    """What USB tests lack; None if they can run."""
    if harness.find_program("umockdev-wrapper") is None:
        return "umockdev-wrapper is not installed"
    if find_binary() is None:
        return None
    if usb_testbed.find_testbed(find_binary()) is None:
        return "tests/sim/usb_testbed was not built: configure found no umockdev-1.0"
    if "usbhid" not in harness.run(find_binary(), "-V").out:
        return "upsbridged was built --without-libusb"
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Skips, before any fixture, a test whose peers are not there; ./run-tests installs them all."""
    for marker in item.iter_markers("peers"):
        for program in marker.args:
            if harness.find_program(program, *harness.NUT_PROGRAMS) is None:
                pytest.skip(f"{program} is not installed")
    if item.get_closest_marker("usb") is not None and missing_for_usb() is not None:
        pytest.skip(missing_for_usb())
    if item.get_closest_marker("snmp_face") is not None and not has_snmp_face():
        pytest.skip("upsbridged was built --without-netsnmp")
    if item.get_closest_marker("modbus") is not None and not has_modbus():
        pytest.skip("upsbridged was built --without-libmodbus")
    if item.get_closest_marker("tls") is not None and not has_tls():
        pytest.skip("upsbridged was built --without-openssl")


@pytest.fixture(scope="session")
def binary():
    return find_binary() or pytest.fail("no upsbridged in build/ or the top folder, nor where "
                                        "UPSBRIDGED says: build it first")


class Stage:
    """Starts programs for one test, and stops them in reverse order."""

    def __init__(self, binary, directory, programs):
        self.binary = binary
        self.directory = directory
        self.programs = programs  # shown when the test fails
        self.actors = []

    def add(self, actor, *programs):
        self.programs.extend(programs)
        self.actors.append(actor)
        return actor

    def bridge(self, devices, start=True, name="upsbridged", **settings):
        actor = harness.Bridge(self.binary, self.directory / name, devices, name=name, **settings)
        self.add(actor, actor.program)
        return actor.start() if start else actor

    def usb_testbed(self, **devices):
        """Emulated USB UPSes: name="recording,option,..."."""
        return self.add(usb_testbed.UsbTestbed(usb_testbed.find_testbed(self.binary),
                                               self.directory, **devices))

    def usb_bridge(self, testbed, sections, start=True, **settings):
        """upsbridged among these devices."""
        actor = self.bridge(sections, start=False, **settings)
        usb_testbed.under_testbed(actor.program, testbed)
        return actor.start() if start else actor

    def nut_server(self, devices, **settings):
        actor = harness.NutServer(self.directory / "nut", devices, **settings)
        return self.add(actor, *actor.programs()).start()

    def upsmon(self, name, monitor, settings=""):
        actor = harness.Upsmon(name, self.directory, monitor, settings)
        return self.add(actor, actor.program).start()

    def snmpd(self, contexts=(), start=True, name="snmpd", **settings):
        actor = harness.Snmpd(self.directory / name, contexts, **settings)
        self.add(actor, actor.program)
        return actor.start() if start else actor

    def program(self, name, command, env=None):
        actor = harness.Program(name, self.directory, command, env)
        return self.add(actor, actor).start()

    def stop(self):
        problems = []
        for actor in reversed(self.actors):
            try:
                actor.stop()
            except AssertionError as problem:
                problems.append(str(problem))
        assert not problems, "\n".join(problems)


@pytest.fixture
def stage(request, binary, tmp_path):
    request.node.programs = []
    stage = Stage(binary, tmp_path, request.node.programs)
    yield stage
    stage.stop()


@pytest.fixture(scope="module")
def module_stage(request, binary, tmp_path_factory):
    """A stage that all tests of a module share, one after another."""
    request.node.programs = []
    stage = Stage(binary, tmp_path_factory.mktemp("stage"), request.node.programs)
    yield stage
    stage.stop()


@pytest.fixture
def peers_stage(request, tmp_path):
    """A stage without upsbridged, to see that the peers and the harness themselves work."""
    request.node.programs = []
    stage = Stage(None, tmp_path, request.node.programs)
    yield stage
    stage.stop()


@pytest.fixture
def bridge(stage):
    """upsbridged with one UPS on line, NUT face only."""
    return stage.bridge([harness.Device("ups", harness.ON_LINE, "A test UPS")])


DEMO_PORTS = {3493: socket.SOCK_STREAM, 1161: socket.SOCK_DGRAM}


@pytest.fixture
def demo_ports():
    """
    The fixed ports of upsbridged --demo, for this test alone; a function that tells whether they
    are free.
    """
    def are_free():
        return all(harness.is_free(port, kind) for port, kind in DEMO_PORTS.items())

    def take_turn():
        try:
            turn.bind("\0upsbridge tests: the demo's ports")
            return True
        except OSError:
            return False

    # An abstract name: gone with the process, however it ends.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as turn:
        harness.wait_until(take_turn, "another run's tests of the demo end", 600, 0.2)
        if not are_free():
            pytest.skip("the demo's ports, 3493 and 1161, are in use on this machine")
        yield are_free
