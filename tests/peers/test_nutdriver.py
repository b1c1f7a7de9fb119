# SPDX-License-Identifier: BSD-2-Clause
"""
Driver processes of NUT's as devices: Debian's dummy-ups, beside Debian's upsd at the same socket; and
one of our own making that says what no driver should.
"""

import os
import re
import signal
import socket
import threading

import pytest

from harness import DATA, ON_LINE, Device, wait_until

pytestmark = pytest.mark.peers("dummy-ups")

EATON = DATA / "eaton-5sc-750.dev"


class Served:
    """A section with a driver process of NUT's behind it, in place of a harness.Device."""

    def __init__(self, name, path, driver="nutdriver", answers=True, **options):
        self.name, self.path, self.driver, self.options = name, path, driver, options
        self.readings = {} if answers else None

    def place(self, directory):
        pass

    def section(self):
        extra = "".join(f"\t{key} = {value}\n" for key, value in self.options.items())
        where = f"\tsocket = {self.path}\n" if self.path else ""
        return f"[{self.name}]\n\tdriver = {self.driver}\n\tport = auto\n{where}{extra}" \
               "\tpollinterval = 1\n"


def socket_of(server, name):
    return server.directory / "state" / f"dummy-ups-{name}"


def lists_of(client, command):
    """The lines of LIST, sorted, for upsd has no order of its own."""
    return sorted(client.ask(command).splitlines())


def test_the_same_as_upsd_at_the_same_driver(stage):
    nut = stage.nut_server([Device("lab", EATON, "In the lab")])
    bridge = stage.bridge([Served("lab", socket_of(nut, "lab"), desc='"In the lab"')])
    with nut.client() as theirs, bridge.client() as ours:
        own = re.compile(r"^VAR lab driver\.")
        for command in ("LIST VAR lab", "LIST RW lab", "LIST CMD lab"):
            there = [line for line in lists_of(theirs, command) if not own.match(line)]
            here = [line for line in lists_of(ours, command) if not own.match(line)]
            assert here == there, command
        for line in lists_of(theirs, "LIST VAR lab"):
            if line.startswith("VAR lab ") and "driver." not in line:
                name = line.split()[2]
                for command in (f"GET TYPE lab {name}", f"LIST ENUM lab {name}",
                                f"LIST RANGE lab {name}"):
                    assert lists_of(ours, command) == lists_of(theirs, command), command


def test_changes_settings_and_commands(stage):
    nut = stage.nut_server([Device("lab", ON_LINE)])
    bridge = stage.bridge([Served("lab", socket_of(nut, "lab"))])
    nut.devices[0].change(ups__status="OB LB", battery__charge="12")
    bridge.wait_value("lab", "ups.status", "OB LB", 40)
    bridge.wait_value("lab", "battery.charge", "12")
    with bridge.client() as client:
        client.authenticate("admin", "secret")
        assert client.ask("SET TRACKING ON") == "OK"
        tracked = client.ask('SET VAR lab battery.charge "77"')
        number = tracked.split()[-1]
        wait_until(lambda: client.ask(f"GET TRACKING {number}") != "PENDING", "the outcome")
        assert client.ask(f"GET TRACKING {number}") == "SUCCESS"
    bridge.wait_value("lab", "battery.charge", "77")


def test_the_driver_dies_and_comes_back(stage):
    nut = stage.nut_server([Device("lab", ON_LINE)])
    bridge = stage.bridge([Served("lab", socket_of(nut, "lab"))], upsd_conf="MAXAGE 4\n")
    nut.drivers[0].stop()
    bridge.wait_answer("GET VAR lab ups.status", "ERR DATA-STALE", 30)
    nut.drivers[0].start()
    bridge.wait_value("lab", "ups.status", lambda status: status and "OL" in status, 30)


def test_a_driver_that_hangs(stage):
    nut = stage.nut_server([Device("lab", ON_LINE)])
    bridge = stage.bridge([Served("lab", socket_of(nut, "lab"))], upsd_conf="MAXAGE 4\n")
    os.kill(nut.drivers[0].pid, signal.SIGSTOP)
    try:
        bridge.wait_answer("GET VAR lab ups.status", "ERR DATA-STALE", 30)
    finally:
        os.kill(nut.drivers[0].pid, signal.SIGCONT)
    bridge.wait_value("lab", "ups.status", lambda status: status and "OL" in status, 30)


def test_a_driver_that_only_nut_has(stage):
    """Its socket is where upsd would look for it."""
    nut = stage.nut_server([Device("lab", ON_LINE)])
    bridge = stage.bridge([Served("lab", None, driver="clone", answers=False)], start=False)
    told = bridge.check()
    assert told.returncode == 0
    assert "driver 'clone' is none of ours: NUT's own process serves" in told.err
    state = bridge.directory / "state"
    (state / "clone-lab").symlink_to(socket_of(nut, "lab"))
    bridge.start()
    bridge.wait_value("lab", "ups.status", lambda status: status and "OL" in status)


def test_no_driver_is_started(stage):
    bridge = stage.bridge([Served("lab", None, driver="bcmxcp", answers=False)])
    bridge.program.wait_log(r"NUT's driver does not answer at \S+/state/bcmxcp-lab: "
                            r"No such file or directory \(is it started\?\)")


class Mock:
    """A driver that says what a test wants it to."""

    def __init__(self, path, dump):
        self.dump, self.pongs = dump, True
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen()
        self.asked, self.connections = [], []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            for line in connection.makefile("r"):
                self.asked.append(line.strip())
                if line == "DUMPALL\n":
                    connection.sendall(self.dump)
                elif line == "PING\n" and self.pongs:
                    connection.sendall(b"PONG\n")
        except OSError:
            return

    def say(self, data):
        """To the newest connection: one that is stale is given up for another."""
        def said():
            try:
                self.connections[-1].sendall(data)
                return True
            except OSError:
                return False
        wait_until(said, "somebody listens")

    def stop(self):
        self.listener.close()
        for connection in self.connections:
            connection.close()


WELL = b"SETINFO ups.status \"OL\"\nSETINFO battery.charge \"100\"\nDATAOK\nDUMPDONE\n"


@pytest.fixture
def mocked(stage, tmp_path):
    def begin(dump, **settings):
        mock = stage.add(Mock(tmp_path / "driver", dump))
        return mock, stage.bridge([Served("lab", tmp_path / "driver")], upsd_conf="MAXAGE 4\n")
    return begin


def test_a_setting_as_it_is_sent(mocked):
    mock, bridge = mocked(WELL.replace(b"DUMPDONE", b"SETINFO ups.id \"x\"\n"
                                       b"SETFLAGS ups.id RW STRING\nSETAUX ups.id 32\nDUMPDONE"))
    with bridge.client() as client:
        client.authenticate("admin", "secret")
        assert client.ask('SET VAR lab ups.id "a \\"b\\" \\\\"').startswith("OK")
    line = wait_until(lambda: next((one for one in mock.asked if "SET" in one), None), "it is sent")
    assert re.fullmatch(r'SET ups\.id "a \\"b\\" \\\\" TRACKING \S+', line), line


def test_stale_and_fresh(mocked):
    mock, bridge = mocked(WELL)
    mock.dump = WELL.replace(b"DATAOK", b"DATASTALE")
    mock.say(b"DATASTALE\n")
    bridge.wait_answer("GET VAR lab ups.status", "ERR DATA-STALE", 30)
    mock.dump = WELL
    mock.say(b"DATAOK\nSETINFO ups.status \"OB\"\n")
    bridge.wait_value("lab", "ups.status", "OB")


def test_what_comes_and_goes(mocked):
    mock, bridge = mocked(WELL)
    mock.say(b"SETINFO ups.id \"a\"\nSETFLAGS ups.id RW STRING\nSETAUX ups.id 8\nADDCMD beeper.mute\n"
             b"ADDENUM ups.mode \"x\"\nSETINFO ups.mode \"x\"\nADDENUM ups.mode \"y\"\n"
             b"ADDRANGE ups.mode 1 5\nADDRANGE ups.mode 7 9\nDELRANGE ups.mode 1 5\n")
    bridge.wait_value("lab", "ups.id", "a")
    with bridge.client() as client:
        assert client.ask("GET TYPE lab ups.id") == "TYPE lab ups.id RW STRING:8"
        assert "CMD lab beeper.mute" in client.ask("LIST CMD lab")
        assert 'ENUM lab ups.mode "y"' in client.ask("LIST ENUM lab ups.mode")
        assert client.ask("LIST RANGE lab ups.mode").count('RANGE lab ups.mode "') == 1
        mock.say(b"DELINFO ups.id\nDELCMD beeper.mute\nDELENUM ups.mode \"y\"\n")
        wait_until(lambda: client.value("lab", "ups.id") is None, "the variable is gone")
        assert "beeper.mute" not in client.ask("LIST CMD lab")
        assert '"y"' not in client.ask("LIST ENUM lab ups.mode")


def test_a_command_and_what_became_of_it(mocked):
    mock, bridge = mocked(WELL.replace(b"DUMPDONE", b"ADDCMD load.off\nDUMPDONE"))
    with bridge.client() as client:
        client.authenticate("admin", "secret")
        client.ask("SET TRACKING ON")
        for number, answer in ((0, "SUCCESS"), (1, "ERR UNKNOWN"), (2, "ERR INVALID-ARGUMENT"),
                               (3, "ERR FAILED")):
            tracked = client.ask('INSTCMD lab load.off "a \\"b"').split()[-1]
            line = wait_until(lambda: next((one for one in mock.asked if "INSTCMD" in one), None),
                              "the command")
            assert line.startswith('INSTCMD load.off "a \\"b" TRACKING '), line
            mock.asked.clear()
            mock.say(f"TRACKING another-id 0\nTRACKING {line.split()[-1]} {number}\n".encode())
            wait_until(lambda: client.ask(f"GET TRACKING {tracked}") != "PENDING", "the outcome")
            assert client.ask(f"GET TRACKING {tracked}") == answer


@pytest.mark.parametrize("noise", [
    b"\xff\xfe\0\0\n" * 100, b"SETINFO\nSETINFO x\nADDRANGE ups.x a b\nSETAUX ups.x -5\n" * 50,
    b"x" * 200000 + b"\n", b'SETINFO ups.y "never closed\n\n\n"\n',
    b"".join(b'SETINFO v.%d "1"\n' % number for number in range(6000)),
    b"".join(b'ADDENUM ups.z "%d"\n' % number for number in range(2000)),
    b"TRACKING " + b"i" * 300 + b" 0\nTRACKING x y\nNOSUCH line\n"],
    ids=["bytes", "half lines", "a long line", "open quotes", "variables", "choices", "words"])
def test_noise(mocked, noise):
    mock, bridge = mocked(WELL)
    before = bridge.memory()
    mock.say(noise + b'\nSETINFO battery.charge "55"\n')
    bridge.wait_value("lab", "battery.charge", "55")
    assert bridge.memory() < before + bridge.memory_limit(32768)


def test_a_driver_that_never_ends_its_dump(mocked, stage, tmp_path):
    stage.add(Mock(tmp_path / "driver", b"SETINFO ups.status \"OL\"\n"))
    bridge = stage.bridge([Served("lab", tmp_path / "driver", answers=False)])
    bridge.program.wait_log("NUT's driver does not tell what it knows")


