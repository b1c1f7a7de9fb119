# SPDX-License-Identifier: BSD-2-Clause
"""
Users, as NUT's own clients meet them: hashed passwords, wrong ones and floods of them, TCP wrappers,
ACCESS, and what the log says for fail2ban.
"""

import configparser
import os
import pty
import re
import select
import signal
import socket
import statistics
import subprocess
import threading
import time

import pytest

from conftest import TOP
from harness import LOOPBACK, ON_LINE, START_DEADLINE, Device, run, wait_until, write

DENIED = "ERR ACCESS-DENIED"
WRONG = "wrong user name or password"


def hash_of(binary, password):
    done = subprocess.run([binary, "--hash-password"], input=password.encode() + b"\n",
                          capture_output=True, check=True, timeout=60)
    return done.stdout.decode().strip()


def lab():
    return Device("lab", ON_LINE)


@pytest.fixture(scope="module")
def hashes(binary):
    """password -> hash; made once, as each takes a while by design."""
    return {password: hash_of(binary, password) for password in ("admpw", "monpw")}


@pytest.fixture
def users(hashes):
    return (f'[admin]\n\tpassword = {hashes["admpw"]}\n\tactions = SET FSD\n\tinstcmds = ALL\n\n'
            f'[mon]\n\tpassword = {hashes["monpw"]}\n\tupsmon primary\n\n'
            '[plain]\n\tpassword = plainpw\n\tactions = SET\n\tupsmon secondary\n')


# --hash-password ------------------------------------------------------------------------------

def test_hash_is_of_the_best_method(binary, hashes):
    assert all(text.startswith("$y$") for text in hashes.values())
    assert hash_of(binary, "monpw") != hashes["monpw"]
    for wrong, why in (("", "is empty"), ("h\u00e4", "not printable ASCII"), ("x" * 512, "too long"),
                       ("x" * 5000, "too long")):
        done = subprocess.run([binary, "--hash-password"], input=wrong.encode(), timeout=60,
                              capture_output=True, check=False)
        assert done.returncode == 1 and why in done.stderr.decode() and done.stdout == b""


def type_in(binary, *lines):
    """What a terminal shows, and the exit status, when these are typed once they are asked for."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(binary, [binary, "--hash-password"])
    shown = b""
    lines = list(lines)
    # At its end the program closes the terminal, which reads as an error.
    while select.select([terminal], [], [], START_DEADLINE)[0]:
        try:
            shown += os.read(terminal, 4096)
        except OSError:
            break
        if lines and shown.endswith(b": "):
            os.write(terminal, lines.pop(0))
    else:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    return shown.decode(), status


def test_terminal_does_not_show_the_password(binary):
    shown, status = type_in(binary, b"secretx\x7f1\n", b"zzz\x15secret1\n")
    assert status == 0 and "secret" not in shown and "$y$" in shown
    shown, status = type_in(binary, b"secret1\n", b"secret2\n")
    assert status == 1 and "two passwords" in shown and "$y$" not in shown
    shown, status = type_in(binary, b"secr\x03")
    assert status == 1 and "$y$" not in shown


# Hashed passwords -----------------------------------------------------------------------------

@pytest.mark.peers("upsrw", "upscmd")
def test_upsrw_with_hashed_passwords(stage, users):
    bridge = stage.bridge([lab()], users=users)
    ups = f"lab@{LOOPBACK}:{bridge.port}"
    words = ["upsrw", "-s", "battery.charge.low=22", "-u", "admin", "-p"]
    assert "OK" in run(*words, "admpw", ups).out + run(*words, "admpw", ups).err
    bridge.wait_value("lab", "battery.charge.low", "22")
    for user, password in (("admin", "Admpw"), ("nobody", "admpw"),
                           ("plain", "admpw"), ("admin", "$y$j9T$")):
        done = run("upsrw", "-s", "battery.charge.low=23", "-u", user, "-p", password, ups,
                   check=False)
        assert done.returncode != 0 and "ACCESS-DENIED" in done.err, (user, password)
    done = run("upsrw", "-s", "battery.charge.low=24", "-u", "plain", "-p", "plainpw", ups)
    bridge.wait_value("lab", "battery.charge.low", "24")
    bridge.program.wait_log(rf"Refused SET from 127\.0\.0\.1 by user nobody: {WRONG}\n")
    bridge.program.wait_log(r"Set variable: admin@127\.0\.0\.1 set battery\.charge\.low on lab to 22")


@pytest.mark.peers("python3")
def test_pynut_with_hashed_passwords(stage, users):
    nut = pytest.importorskip("PyNUT")
    bridge = stage.bridge([lab()], users=users)
    client = nut.PyNUTClient(LOOPBACK, bridge.port, "admin", "admpw")
    client.SetRWVar("lab", "battery.charge.low", "25")
    bridge.wait_value("lab", "battery.charge.low", "25")
    wrong = nut.PyNUTClient(LOOPBACK, bridge.port, "admin", "adm")
    with pytest.raises(nut.PyNUTError, match="ACCESS-DENIED"):
        wrong.SetRWVar("lab", "battery.charge.low", "26")


def test_bad_hash_is_an_error_in_its_place(stage, hashes):
    bridge = stage.bridge([lab()])
    write(bridge.directory / "upsd.users", f"[a]\npassword = x\n[b]\npassword = {hashes['monpw'][:-1]}\n")
    done = bridge.check()
    assert done.returncode == 1
    assert re.search(r"error: .*upsd\.users:4: 'password' of user 'b' is no whole hash", done.err)


def test_reload_while_passwords_are_looked_at(stage, users):
    """Whatever the moment of a reload, the answer is right by the old table or the new."""
    bridge = stage.bridge([lab()], users=users)
    for _ in range(10):
        with bridge.client() as client:
            client.authenticate("mon", "monpw")
            client.send("LOGIN lab\n")
            bridge.reload()
            assert client.answer() == "OK"


# Wrong ones -----------------------------------------------------------------------------------

def seconds(function):
    start = time.monotonic()
    function()
    return time.monotonic() - start


class Flood:
    """Wrong passwords without end from many connections, old ones and new ones."""

    def __init__(self, bridge, lasting=100, each=100):
        self.bridge = bridge
        self.lasting = [bridge.client().authenticate("mon", f"guess{i}") for i in range(lasting)]
        for client in self.lasting:
            client.send("LOGIN lab\n" * each)
        self.stopping = threading.Event()
        self.rounds = 0
        self.thread = threading.Thread(target=self.come_and_go)
        self.thread.start()

    def come_and_go(self):
        while not self.stopping.is_set():
            with self.bridge.client() as client:
                client.send(f"USERNAME mon\nPASSWORD round{self.rounds}\nLOGIN lab\n")
                assert client.answer() == "OK"
            self.rounds += 1

    def stop(self):
        self.stopping.set()
        self.thread.join()
        for client in self.lasting:
            client.close()


def log_in(bridge, user="mon", password="monpw"):
    with bridge.client() as client:
        client.authenticate(user, password)
        assert client.ask("LOGIN lab") == "OK"


@pytest.mark.parametrize("hashed", [True, False])
def test_flood_of_wrong_passwords(stage, users, hashed):
    """10,000 from this host, while those who are known on it go on as if there was nothing."""
    plain = "[mon]\npassword = monpw\nupsmon primary\n"
    bridge = stage.bridge([lab()], users=users if hashed else plain)
    known = bridge.client().authenticate("mon", "monpw")
    assert known.ask("LOGIN lab") == "OK"
    before = bridge.memory()
    flood = Flood(bridge)
    reads, logins = [], []
    try:
        wait_until(lambda: flood.rounds >= 200 and WRONG in bridge.program.log(), "a flood")
        for _ in range(25):
            reads.append(seconds(lambda: known.ask("GET VAR lab ups.status")))
            logins.append(seconds(lambda: log_in(bridge)))
            assert known.ask("PRIMARY lab") == "OK PRIMARY-GRANTED"
        # Who is not known yet gets in too, if not at once.
        bridge.reload()
        bridge.program.wait_log("reloading")
        log_in(bridge)
        assert known.ask("FSD lab") == "OK FSD-SET"
        grown = bridge.memory() - before
    finally:
        flood.stop()
    # One of the flood waits for two seconds.
    assert statistics.median(logins) < statistics.median(reads) + 1
    assert grown < bridge.memory_limit(25000)
    assert bridge.program.log().count(WRONG) < 1000


@pytest.mark.peers("upsmon")
def test_upsmon_amid_a_flood(stage, users):
    """It has logged in before; its connection broken, it comes back in the midst of the flood."""
    bridge = stage.bridge([lab()], users=users)
    upsmon = stage.upsmon("mon", f"lab@{LOOPBACK}:{bridge.port} 1 mon monpw primary")
    logged_in = r"User mon@127\.0\.0\.1 logged into UPS \[lab\]\n"
    bridge.program.wait_log(logged_in)
    bridge.wait_answer("GET NUMLOGINS lab", "NUMLOGINS lab 1")
    flood = Flood(bridge)
    try:
        bridge.reload()
        bridge.program.wait_log("reloading")
        # upsmon connects anew when it is started again.
        upsmon.program.stop()
        seen = len(bridge.program.log())
        upsmon.start()
        bridge.program.wait_log(logged_in, after=seen)
        bridge.device("lab").change(ups__status="OB LB")
        wait_until(lambda: upsmon.mark.exists(), "upsmon shuts its host down")
    finally:
        flood.stop()


# TCP wrappers ---------------------------------------------------------------------------------

ALLOW_RULES = "upsd: mon@127.0.0.1, admin@192.0.2.1\n"


def in_namespace(*command, files):
    """A command that sees other files: mounts of its own."""
    mounts = "".join(f"mount --bind {ours} {theirs} && " for theirs, ours in files.items())
    return ["unshare", "-m", "sh", "-c", mounts + 'exec "$0" "$@"', *map(str, command)]


def can_mount():
    done = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    return (done.returncode == 0 and os.geteuid() == 0 and
            all(os.path.exists(path) for path in ("/etc/hosts.allow", "/etc/hosts.deny")))


@pytest.mark.skipif(not can_mount(), reason="needs root, and /etc/hosts.allow and hosts.deny")
def test_tcp_wrappers(stage, binary, users, tmp_path):
    allow, deny = tmp_path / "hosts.allow", tmp_path / "hosts.deny"
    allow.write_text(ALLOW_RULES)
    deny.write_text("upsd: ALL\n")
    bridge = stage.bridge([lab()], users=users, start=False)
    bridge.program.command = in_namespace(
        *bridge.program.command, files={"/etc/hosts.allow": allow, "/etc/hosts.deny": deny})
    bridge.start()
    if "libwrap" not in run("ldd", binary).out:
        pytest.skip("upsbridged was built --without-libwrap")
    with bridge.client() as client:
        client.authenticate("mon", "monpw")
        assert client.ask("LOGIN lab") == "OK"
    with bridge.client() as client:
        client.authenticate("admin", "admpw")
        assert client.ask("SET") == DENIED
        assert client.value("lab", "ups.status") == "OL"
        bridge.program.wait_log(r"Refused SET from 127\.0\.0\.1 by user admin: TCP wrappers")
        # In place, as the mount is of the file.
        with open(allow, "w", encoding="ascii") as file:
            file.write("upsd: admin@LOCAL, admin@127.0.0.0/255.0.0.0\n")
        assert client.ask("FSD lab") == "OK FSD-SET"
    write(bridge.directory / "upsbridge.conf", "SNMP off\nWRAPPERS no\n")
    bridge.reload()
    with bridge.client() as client:
        client.authenticate("mon", "monpw")
        bridge.program.wait_log("reloading")
        wait_until(lambda: client.ask("PRIMARY lab") == "OK PRIMARY-GRANTED", "no more wrappers")


# Who may connect ------------------------------------------------------------------------------

def is_let_in(port, source):
    with socket.socket() as probe:
        probe.settimeout(20)
        probe.bind((source, 0))
        probe.connect((LOOPBACK, port))
        try:
            probe.sendall(b"NETVER\n")
            return probe.recv(100) == b"1.3\n"
        except ConnectionError:
            return False


def test_access(stage):
    bridge = stage.bridge([lab()], snmp="SNMP off\nACCESS deny 127.0.0.2\n"
                                        "ACCESS allow 127.0.0.0/30\n")
    assert [is_let_in(bridge.port, f"127.0.0.{last}") for last in (1, 2, 3, 4)] == [
        True, False, True, False]
    bridge.program.wait_log(r"Refusing client 127\.0\.0\.2: ACCESS does not let it in")
    write(bridge.directory / "upsbridge.conf", "SNMP off\nACCESS deny 127.0.0.1/8\n")
    bridge.reload()
    bridge.program.wait_log(r"upsbridge\.conf:2: ACCESS: '127\.0\.0\.1/8' has bits set")
    assert is_let_in(bridge.port, "127.0.0.3")
    write(bridge.directory / "upsbridge.conf", "SNMP off\nACCESS allow 127.0.0.4\n")
    bridge.reload()
    wait_until(lambda: is_let_in(bridge.port, "127.0.0.4"), "the reload")
    assert not is_let_in(bridge.port, "127.0.0.3")
    assert "ACCESS lets no client of this host itself in" in bridge.program.log()
    bridge.kill()


# fail2ban -------------------------------------------------------------------------------------

def filter_pattern():
    """The filter's expression with what fail2ban puts in the places of its words."""
    parser = configparser.RawConfigParser()
    parser.read(TOP / "contrib" / "fail2ban" / "upsbridge.filter")
    definition = parser["Definition"]
    prefix = rf"(?:\S+ )?{definition['_daemon']}(?:\[\d+\])?: "
    text = definition["failregex"].replace("%(__prefix_line)s", prefix)
    return re.compile(text.replace("<HOST>", r"(?P<host>[\d.]+|[\da-f:]+)"))


def test_fail2ban_filter(stage, users):
    bridge = stage.bridge([lab()], users=users)
    pattern = filter_pattern()
    names = ["mon", "x@203.0.113.9", f"a: {WRONG}",
             f"q Refused LOGIN from 203.0.113.9 by user x: {WRONG}"]
    for name in names:
        with bridge.client() as client:
            client.authenticate(f'"{name}"', "no")
            assert client.ask("LOGIN lab") == DENIED
    with bridge.client() as client:
        client.authenticate("mon", "monpw")
        assert client.ask("LOGIN lab") == "OK"
        assert client.ask("SET VAR lab battery.charge.low 22") == DENIED
    bridge.program.wait_log("no right to it")
    found = [match for line in bridge.program.log().splitlines() if (match := pattern.match(line))]
    assert [match["host"] for match in found] == [LOOPBACK] * len(names)
    line = f"ups1 upsbridged[77]: Refused FSD from 2001:db8::7 by user a b: {WRONG}"
    assert pattern.match(line)["host"] == "2001:db8::7"
    assert not pattern.match(line.replace(WRONG, "this user has no right to it"))
