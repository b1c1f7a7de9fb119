# SPDX-License-Identifier: BSD-2-Clause
"""upsbridged as a process: how it starts, goes to the background, refuses to start, and ends."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from harness import (LOOPBACK, ON_LINE, START_DEADLINE, Device, NutClient, nut_program, run,
                     wait_for_port, wait_until, write)

# What is promised. All takes a few hundredths of a second, so the margin is wide.
STOP_LIMIT = 2

STOP_SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT]


# The end --------------------------------------------------------------------------------------

@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_it_stops_at_once_with_clients_connected(stage, number):
    """Clients that are logged in, silent, in the middle of a line, or do not read their answers."""
    bridge = stage.bridge([Device(f"ups{i}", ON_LINE) for i in range(30)])
    clients = [bridge.client() for _ in range(40)]
    for client in clients[:10]:
        client.authenticate("secondary", "sepw")
        assert client.ask("LOGIN ups1") == "OK"
    for client in clients[10:20]:
        client.send("GET VAR ups1 unfinis")
    for client in clients[20:30]:
        client.socket.setblocking(False)
        try:
            for _ in range(1000):
                client.socket.send(b"LIST VAR ups1\n" * 100)
        except BlockingIOError:
            client.socket.settimeout(20)
    begun = time.monotonic()
    bridge.program.signal(number)
    status = bridge.program.wait()
    took = time.monotonic() - begun
    assert status == 0, bridge.program.log()
    assert took < STOP_LIMIT, f"stopping took {took:.2f} s"
    for client in clients[:20]:
        assert client.at_end()
    bridge.program.process = None
    # The port is free again for the next one.
    bridge.start()


def test_it_stops_at_once_with_devices_that_do_not_open(stage):
    bridge = stage.bridge([Device("ok", ON_LINE), Device("gone", ON_LINE), Device("pipe", ON_LINE)],
                          start=False)
    bridge.device("gone").path.unlink()
    bridge.device("pipe").path.unlink()
    os.mkfifo(bridge.device("pipe").path)
    bridge.program.start()
    wait_for_port(bridge.port, bridge.program)
    bridge.wait_value("ok", "ups.status", "OL")
    bridge.wait_answer("GET VAR pipe ups.status", "ERR DRIVER-NOT-CONNECTED")
    begun = time.monotonic()
    bridge.stop()
    took = time.monotonic() - begun
    assert took < STOP_LIMIT, f"stopping took {took:.2f} s"


# The background -------------------------------------------------------------------------------

class Background:
    """upsbridged without -F; its process is known by the pid file alone."""

    def __init__(self, bridge, pid_file=None):
        self.bridge = bridge
        self.pid_file = bridge.directory / "upsbridged.pid"
        self.command = [bridge.binary, "-c", bridge.directory, "-P", pid_file or self.pid_file]

    def start(self, check=True, **options):
        return subprocess.run([str(word) for word in self.command], check=check, timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True, **options)

    def pid(self):
        text = self.pid_file.read_text()
        assert re.fullmatch(r"[1-9]\d*\n", text), repr(text)
        return int(text)

    def stop(self):
        if self.pid_file.exists() and self.pid_file.read_text().strip():
            pid = self.pid()
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not is_running(pid), "it is gone")


def is_running(pid):
    """A zombie has ended, too, but only with its last thread: until then it holds its files."""
    try:
        is_zombie = ") Z " in Path(f"/proc/{pid}/stat").read_text()
        return not is_zombie or len(os.listdir(f"/proc/{pid}/task")) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def background(stage):
    made = Background(stage.bridge([Device("ups", ON_LINE)], start=False))
    yield made
    made.stop()


def test_the_background(background):
    done = background.start()
    # Whoever started it may rely on the ports from now on.
    with background.bridge.client() as client:
        assert client.ask("NETVER") == "1.3"
    background.bridge.wait_value("ups", "ups.status", "OL")
    pid = background.pid()
    assert Path(f"/proc/{pid}/exe").resolve() == Path(background.bridge.binary).resolve()
    assert os.getsid(pid) == pid
    assert Path(f"/proc/{pid}/cwd").resolve() == Path("/")
    for number in range(3):
        assert os.readlink(f"/proc/{pid}/fd/{number}") == "/dev/null"
    assert done.stdout == b""
    background.stop()
    assert not background.pid_file.exists()


def test_the_background_reloads(background):
    background.start()
    background.bridge.device("ups").description = "described anew"
    background.bridge.write_configuration()
    os.kill(background.pid(), signal.SIGHUP)
    background.bridge.wait_answer("GET UPSDESC ups", 'UPSDESC ups "described anew"')


def test_a_pid_file_named_relative_to_where_one_is(stage):
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False)
    background = Background(bridge, "upsbridged.pid")
    try:
        background.start(cwd=bridge.directory)
        assert is_running(background.pid())
    finally:
        background.stop()
    assert not background.pid_file.exists()


def test_a_second_instance_is_refused(background):
    background.start()
    pid = background.pid()
    done = background.start(check=False)
    assert done.returncode == 1
    assert b"another upsbridged is running" in done.stderr
    assert background.pid() == pid
    background.bridge.wait_value("ups", "ups.status", "OL")


def test_a_pid_file_left_by_a_crash_is_no_obstacle(background):
    background.start()
    pid = background.pid()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_running(pid), "it is gone")
    assert background.pid_file.exists()
    background.start()
    assert background.pid() != pid
    background.bridge.wait_value("ups", "ups.status", "OL")


@pytest.mark.parametrize("breakage, message", [
    ("configuration", rb"upsd\.conf:1: .*MAXAGE"),
    ("port", rb"not listening on 127\.0\.0\.1 port \d+: Address already in use"),
])
def test_a_start_that_fails_says_why(background, breakage, message):
    """On the terminal, and with the exit status; and nothing stays behind."""
    with socket.socket() as taken:
        if breakage == "port":
            taken.bind((LOOPBACK, background.bridge.port))
            taken.listen()
        else:
            write(background.bridge.directory / "upsd.conf", "MAXAGE abc\n")
        done = background.start(check=False)
    assert done.returncode == 1
    assert re.search(message, done.stderr), done.stderr
    wait_until(lambda: not background.pid_file.exists(), "the pid file is removed")


def test_a_pid_file_that_cannot_be_written(background):
    background.command[-1] = "/nonexistent/upsbridged.pid"
    done = background.start(check=False)
    assert done.returncode == 1
    assert b"/nonexistent/upsbridged.pid" in done.stderr


# Options --------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, status, text", [
    (["--version"], 0, r"upsbridged \d+\.\d+.*\n.*NUT.*\n.*simulated.*dummy-ups"),
    (["-V"], 0, r"upsbridged \d"),
    (["--help"], 0, r"--confdir"),
    (["-h"], 0, r"usage"),
    (["--nosuch"], 1, r"nosuch"),
    (["-F", "stray"], 1, r"stray"),
    (["-F", "-c", "/nonexistent"], 1, r"/nonexistent"),
    (["-t", "-c", "/nonexistent"], 1, r"/nonexistent"),
    (["-c"], 1, r"requires an argument"),
])
def test_options(binary, words, status, text):
    done = run(binary, *words, check=False)
    assert done.returncode == status
    assert re.search(text, done.out if status == 0 else done.err, re.S), (done.out, done.err)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@needs_root
def test_it_gives_up_root(stage):
    """What root alone may read is read before; the device's file is read after."""
    device = Device("ups", ON_LINE)
    with tempfile.TemporaryDirectory() as public:
        os.chmod(public, 0o755)
        device.place(public)
        bridge = stage.bridge([device], start=False)
        for name in ("ups.conf", "upsd.conf", "upsd.users", "upsbridge.conf"):
            (bridge.directory / name).chmod(0o600)
        bridge.program.command += ["-u", "nobody"]
        bridge.start()
        status = Path(f"/proc/{bridge.program.pid}/status").read_text()
        assert not re.search(r"^[UG]id:.*\t0\b", status, re.M), status
        for kind in ("Eff", "Prm", "Inh", "Amb"):
            assert re.search(rf"^Cap{kind}:\s0+$", status, re.M), status
        bridge.stop()


@needs_root
def test_a_user_that_does_not_exist(stage):
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False)
    bridge.program.command += ["-u", "nosuchuser"]
    bridge.program.start()
    assert bridge.program.wait() == 1
    assert "nosuchuser" in bridge.program.log()
    bridge.program.process = None


# The demo -------------------------------------------------------------------------------------

@pytest.mark.peers("upsc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_demo(stage, binary, tmp_path, demo_ports, number):
    room = tmp_path / "tmp"
    room.mkdir()
    demo = stage.program("demo", [binary, "--demo"], {"TMPDIR": str(room)})
    wait_for_port(3493, demo)
    with NutClient(3493) as client:
        wait_until(lambda: client.value("apc", "ups.status") not in (None, "WAIT"), "data of apc",
                   START_DEADLINE)
    demo.wait_log(rf"configuration is in {room}/upsbridge-demo\.")
    shown = run(nut_program("upsc"), f"apc@{LOOPBACK}:3493").out
    assert re.search(r"^device\.mfr: American Power Conversion", shown, re.M), shown
    assert re.search(r"^ups\.status: O[LB]", shown, re.M), shown
    assert len(list(room.iterdir())) == 1
    demo.signal(number)
    assert demo.wait() == 0
    assert not list(room.iterdir())


def test_a_demo_that_cannot_start_leaves_nothing(stage, binary, tmp_path, demo_ports):
    with socket.socket() as blocker:
        blocker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        blocker.bind((LOOPBACK, 3493))
        blocker.listen()
        demo = stage.program("demo", [binary, "--demo"], {"TMPDIR": str(tmp_path)})
        assert demo.wait() == 1
    assert "port 3493" in demo.log()
    assert not list(tmp_path.glob("upsbridge-demo*"))
