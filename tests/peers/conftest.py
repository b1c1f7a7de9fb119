# SPDX-License-Identifier: BSD-2-Clause
"""
Fixtures of the peer tests. Each starts real programs in a directory of the test's own, stops them
at its end, and shows their logs when the test fails.

UPSBRIDGED names the binary under test (default: upsbridged in build/ or the top folder).
"""

import os
from pathlib import Path

import pytest

import harness

TOP = Path(__file__).resolve().parent.parent.parent


def pytest_configure(config):
    config.addinivalue_line("markers", "peers(*programs): needs these programs of others")


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


@pytest.fixture(autouse=True)
def needed_peers(request):
    """Skips a test whose peers are not installed; ./run-tests installs them all."""
    for marker in request.node.iter_markers("peers"):
        for program in marker.args:
            if harness.find_program(program, *harness.NUT_PROGRAMS) is None:
                pytest.skip(f"{program} is not installed")


@pytest.fixture(scope="session")
def binary():
    named = os.environ.get("UPSBRIDGED")
    candidates = [Path(named)] if named else [TOP / "build" / "upsbridged", TOP / "upsbridged"]
    for candidate in candidates:
        if candidate.is_file():
            return str(candidate.resolve())
    pytest.fail(f"no upsbridged at {' or '.join(map(str, candidates))}: build it, or set UPSBRIDGED")


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

    def nut_server(self, devices, **settings):
        actor = harness.NutServer(self.directory / "nut", devices, **settings)
        return self.add(actor, *actor.programs()).start()

    def upsmon(self, name, monitor, settings=""):
        actor = harness.Upsmon(name, self.directory, monitor, settings)
        return self.add(actor, actor.program).start()

    def snmpd(self, contexts=(), **settings):
        actor = harness.Snmpd(self.directory / "snmpd", contexts, **settings)
        return self.add(actor, actor.program).start()

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
