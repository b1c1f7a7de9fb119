# SPDX-License-Identifier: BSD-2-Clause
"""
upsbridged under a service manager: what it tells it, the sockets it takes from it, and the units
that come with it.
"""

import configparser
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import TOP
from harness import (ANSWER_DEADLINE, LOOPBACK, ON_LINE, Device, NutClient, find_program, free_port,
                     run, wait_for_port, wait_until, write)

SYSTEMD = TOP / "contrib" / "systemd"


class Manager:
    """The service manager's end of the socket."""

    def __init__(self, address):
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(("\0" + address[1:]) if address[0] == "@" else address)
        self.socket.settimeout(ANSWER_DEADLINE)

    def receive(self):
        """name -> value, of the next message."""
        text = self.socket.recv(4096).decode()
        return dict(line.split("=", 1) for line in text.splitlines())

    def receive_but_watchdog(self):
        while True:
            message = self.receive()
            if message != {"WATCHDOG": "1"}:
                return message

    def stop(self):
        self.socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    name = tmp_path / "notify"
    actor = Manager(str(name) if request.param == "path" else f"@upsbridge-test-{os.getpid()}")
    yield actor
    actor.stop()


def test_what_the_manager_is_told(stage, manager):
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False)
    bridge.program.env["NOTIFY_SOCKET"] = manager.address
    bridge.program.start()
    assert manager.receive() == {"READY": "1", "STATUS": "serving 1 UPS",
                                 "MAINPID": str(bridge.program.pid)}
    # Ready is who serves.
    with bridge.client() as client:
        assert client.ask("NETVER") == "1.3"
    before = time.monotonic_ns() // 1000
    bridge.devices.append(Device("other", ON_LINE))
    bridge.devices[1].place(bridge.directory)
    bridge.write_configuration()
    bridge.reload()
    message = manager.receive()
    assert message["RELOADING"] == "1"
    assert before <= int(message["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    assert manager.receive() == {"READY": "1", "STATUS": "serving 2 UPSes"}
    write(bridge.directory / "upsd.conf", "MAXAGE never\n")
    bridge.reload()
    assert manager.receive()["RELOADING"] == "1"
    assert manager.receive() == {"READY": "1", "STATUS": "serving as before a reload that failed"}
    bridge.stop()
    assert manager.receive() == {"STOPPING": "1"}


def test_watchdog(stage, manager):
    """Signs of life come from the main loop: none while it stands still."""
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False)
    bridge.program.env |= {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "200000"}
    bridge.program.start()
    assert manager.receive()["READY"] == "1"
    for _ in range(3):
        assert manager.receive() == {"WATCHDOG": "1"}
    bridge.program.signal(signal.SIGSTOP)
    status = f"/proc/{bridge.program.pid}/status"
    wait_until(lambda: "State:\tT" in open(status, encoding="ascii").read(), "it is stopped")
    manager.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            manager.receive()
    manager.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        manager.receive()
    manager.socket.settimeout(ANSWER_DEADLINE)
    bridge.program.signal(signal.SIGCONT)
    assert manager.receive() == {"WATCHDOG": "1"}
    bridge.stop()
    assert manager.receive_but_watchdog() == {"STOPPING": "1"}


def test_a_watchdog_of_another_process(stage, manager):
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False)
    bridge.program.env |= {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "1000",
                           "WATCHDOG_PID": "1"}
    bridge.program.start()
    assert manager.receive()["READY"] == "1"
    bridge.wait_value("ups", "ups.status", "OL")
    bridge.stop()
    assert manager.receive() == {"STOPPING": "1"}


def test_the_background_tells_its_process_id(stage, manager, tmp_path):
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False)
    pid_file = tmp_path / "pid"
    run(bridge.binary, "-c", bridge.directory, "-P", pid_file,
        env={"NOTIFY_SOCKET": manager.address})
    pid = int(pid_file.read_text())
    assert manager.receive()["MAINPID"] == str(pid)
    os.kill(pid, signal.SIGTERM)
    assert manager.receive() == {"STOPPING": "1"}
    wait_until(lambda: not pid_file.exists(), "it ends")


@pytest.mark.parametrize("address", ["/nonexistent/notify", "nonsense", "/" + "x" * 200])
def test_a_manager_out_of_reach_is_no_obstacle(stage, address):
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False)
    bridge.program.env["NOTIFY_SOCKET"] = address
    bridge.start()
    assert "cannot reach the service manager" in bridge.program.log()


# Sockets --------------------------------------------------------------------------------------

# Puts the descriptors in its place for the protocol, then becomes the program.
HANDING_OVER = """
import os, sys
numbers = [int(word) for word in sys.argv[1].split(",")]
spare = [os.dup(os.dup(number)) for number in numbers]
for i, number in enumerate(spare):
    os.dup2(number, 60 + i)
for i in range(len(spare)):
    os.dup2(60 + i, 3 + i)
os.closerange(3 + len(spare), 100)
os.environ["LISTEN_FDS"] = sys.argv[2]
os.environ["LISTEN_PID"] = str(os.getpid() + int(sys.argv[3]))
os.environ["LISTEN_FDNAMES"] = "nut"
os.execv(sys.argv[4], sys.argv[4:])
"""


def hand_over(stage, bridge, sockets, count=None, pid_offset=0):
    """Starts upsbridged with these sockets as a service manager does."""
    numbers = ",".join(str(handed.fileno()) for handed in sockets)
    with open(bridge.program.log_path, "ab") as log:
        bridge.program.process = subprocess.Popen(
            [sys.executable, "-c", HANDING_OVER, numbers, str(count or len(sockets)),
             str(pid_offset), *bridge.program.command],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            pass_fds=[handed.fileno() for handed in sockets])


def listening_socket(family=socket.AF_INET, address=LOOPBACK):
    handed = socket.socket(family, socket.SOCK_STREAM)
    if family == socket.AF_INET6:
        handed.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    handed.bind((address, 0))
    handed.listen()
    return handed


def test_sockets_handed_over_replace_listen(stage):
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False)
    with listening_socket() as first, listening_socket() as second:
        hand_over(stage, bridge, [first, second])
        ports = [first.getsockname()[1], second.getsockname()[1]]
        for port in ports:
            wait_for_port(port, bridge.program)
            with NutClient(port) as client:
                assert client.ask("NETVER") == "1.3"
            assert f"listening on 127.0.0.1 port {port}, a socket handed over" \
                in bridge.program.log()
    with socket.socket() as probe:
        assert probe.connect_ex((LOOPBACK, bridge.port)) != 0
    with NutClient(ports[0]) as client:
        bridge.reload()
        bridge.program.wait_log("reloading")
        assert client.ask("NETVER") == "1.3"
        wait_until(lambda: client.value("ups", "ups.status") == "OL", "data")


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6")
def test_a_socket_of_both_families(stage):
    """As systemd makes them: who comes by IPv4 is known by that address."""
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False)
    try:
        handed = listening_socket(socket.AF_INET6, "::")
    except OSError:
        pytest.skip("there is no IPv6")
    with handed:
        port = handed.getsockname()[1]
        hand_over(stage, bridge, [handed])
        wait_for_port(port, bridge.program)
    with NutClient(port) as client:
        client.authenticate("secondary", "sepw")
        assert client.ask("LOGIN ups") == "OK"
        bridge.program.wait_log(rf"secondary@{re.escape(LOOPBACK)} logged into UPS \[ups\]")


def test_sockets_meant_for_another_process_are_left(stage):
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False)
    with listening_socket() as handed:
        hand_over(stage, bridge, [handed], pid_offset=1)
        bridge.wait_ready()
    assert "handed over" not in bridge.program.log()


def test_fewer_sockets_than_said(stage):
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False)
    with listening_socket() as handed:
        port = handed.getsockname()[1]
        hand_over(stage, bridge, [handed], count=3)
        bridge.program.wait_log("listening")
    bridge.program.wait_log("there are only 1 sockets, not 3")
    with NutClient(port) as client:
        assert client.ask("NETVER") == "1.3"


@pytest.mark.parametrize("kind", ["datagram", "unix", "not listening"])
def test_a_socket_of_the_wrong_kind_is_refused(stage, tmp_path, kind):
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False)
    family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if kind == "datagram" else socket.SOCK_STREAM) \
            as wrong, listening_socket() as right:
        wrong.bind(str(tmp_path / "socket") if kind == "unix" else (LOOPBACK, 0))
        if kind == "unix":
            wrong.listen()
        hand_over(stage, bridge, [right, wrong])
        assert bridge.program.wait() == 1
    assert "socket 2 of those handed over does not listen for TCP" in bridge.program.log()
    bridge.program.process = None


@pytest.mark.peers("systemd-socket-activate")
def test_systemd_hands_over(stage):
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False)
    port = free_port()
    program = stage.program("activated", [find_program("systemd-socket-activate"), "-l",
                                          f"{LOOPBACK}:{port}", *bridge.program.command])
    wait_for_port(port, program)
    with NutClient(port) as client:
        wait_until(lambda: client.value("ups", "ups.status") == "OL", "data")


# What comes along -----------------------------------------------------------------------------

@pytest.fixture
def unit(binary):
    """The unit as `make` wrote it."""
    path = Path(binary).parent / "contrib" / "systemd" / "upsbridge.service"
    if not path.exists():
        pytest.skip("the binary under test is not in a build folder")
    return path


@pytest.mark.peers("systemd-analyze")
def test_the_unit_leaves_little_open(unit):
    said = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit).out
    exposure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", said)[1])
    assert exposure < 2.0, said


@pytest.mark.peers("systemd-analyze")
def test_systemd_understands_the_units(unit, binary, tmp_path):
    """No word of them is unknown to it, or misplaced."""
    text = re.sub(r"^ExecStart=\S+", f"ExecStart={binary}", unit.read_text(), flags=re.M)
    write(tmp_path / "upsbridge.service", text, 0o644)
    write(tmp_path / "upsbridge.socket", (SYSTEMD / "upsbridge.socket").read_text(), 0o644)
    done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
               tmp_path / "upsbridge.service", tmp_path / "upsbridge.socket", check=False)
    complaints = [line for line in done.err.splitlines() if "upsbridge." in line]
    assert complaints == [], done.err
    assert run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
               write(tmp_path / "wrong.service", text.replace("ProtectHome", "ProtectHouse"), 0o644),
               check=False).err.count("ProtectHouse") == 1


def test_the_unit_is_right_for_the_daemon(unit, binary):
    """What it starts is there, and devices of each kind that drivers open are allowed."""
    text = unit.read_text()
    assert re.search(r"^ExecStart=/\S+/upsbridged -F$", text, re.M)
    assert "@" not in re.sub(r"@(system-service|privileged|resources)", "", text)
    allowed = re.findall(r"^DeviceAllow=(\S+) rw$", text, re.M)
    assert {"char-usb_device", "char-ttyS", "char-ttyUSB", "char-ttyACM"} <= set(allowed)
    assert "AF_NETLINK" in text, "libusb hears of devices by it"


@pytest.mark.peers("systemd-sysusers", "systemd-tmpfiles")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make users and give files away")
def test_user_and_folders(tmp_path):
    """Made in an empty tree: the user, its groups, and files that others cannot read."""
    (tmp_path / "etc" / "upsbridge").mkdir(parents=True)
    users = write(tmp_path / "etc" / "upsbridge" / "upsd.users", "", 0o666)
    run("systemd-sysusers", f"--root={tmp_path}", TOP / "contrib/sysusers.d/upsbridge.conf")
    groups = (tmp_path / "etc" / "group").read_text()
    for group in ("nut", "dialout"):
        assert re.search(rf"^{group}:.*:upsbridge$", groups, re.M), groups
    user = int(re.search(r"^upsbridge:x:(\d+):", (tmp_path / "etc" / "passwd").read_text(),
                         re.M)[1])
    run("systemd-tmpfiles", "--create", f"--root={tmp_path}",
        TOP / "contrib/tmpfiles.d/upsbridge.conf")
    assert (users.stat().st_uid, users.stat().st_mode & 0o777) == (0, 0o640)
    group = int(re.search(r"^upsbridge:x:(\d+):", groups, re.M)[1])
    assert users.stat().st_gid == group
    state = (tmp_path / "var" / "lib" / "upsbridge").stat()
    assert (state.st_uid, state.st_gid, state.st_mode & 0o777) == (user, group, 0o750)


def test_the_ufw_profile(binary):
    """As ufw's own reader, an INI parser, sees it; the ports are those we serve."""
    profile = configparser.ConfigParser(interpolation=None)
    profile.read(TOP / "contrib" / "ufw" / "upsbridge.profile")
    assert {name: profile[name]["ports"] for name in profile.sections()} == {
        "upsbridge": "3493/tcp", "upsbridge-snmp": "161/udp", "upsbridge-modbus": "502/tcp"}
    for name in profile.sections():
        assert profile[name]["title"] and profile[name]["description"]
