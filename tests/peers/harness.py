# SPDX-License-Identifier: BSD-2-Clause
"""
What the peer tests stand on: upsbridged and the programs of others around it (NUT's upsd, dummy-ups
and upsmon, net-snmp's snmpd), each with a configuration of its own in a temporary directory, on
free ports of the loopback interface; and a NUT client of the plainest kind.

Nothing here waits for a fixed time: wait_until() polls for what is awaited, up to a deadline.
"""

import functools
import itertools
import os
import random
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
LOOPBACK = "127.0.0.1"

# Generous, because a loaded machine must not fail a test; nothing waits so long when all is well.
START_DEADLINE = 30
STOP_DEADLINE = 20
ANSWER_DEADLINE = 20

NUT_PROGRAMS = ["/lib/nut", "/usr/lib/nut", "/usr/libexec/nut", "/usr/sbin", "/usr/bin"]


def find_program(name, *folders):
    """The path of a program that need not be in PATH; None if it is not installed."""
    path = os.environ.get("PATH", "").split(":")
    for folder in [*folders, *path, "/usr/sbin", "/sbin"]:
        candidate = Path(folder) / name
        if folder and candidate.is_file() and os.access(candidate, os.X_OK):
            return str(candidate)
    return None


def nut_program(name):
    """NUT's own binary, not a distribution's wrapper that reads /etc/nut/nut.conf."""
    return find_program(name, *NUT_PROGRAMS)


# Below the ports that the system gives to clients, so that none of them takes a port between its
# being found free and its being used; and a slice of them for each process of tests, for several
# run at once, and one could take what another has just found free.
PORTS = range(12000, 32000)
SLICE = 1000


@functools.lru_cache
def slice_of_ports():
    """The ports of this process, and the socket whose name keeps them ours for its life."""
    for start in random.sample(PORTS[::SLICE], len(PORTS[::SLICE])):
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            claim.bind(f"\0upsbridge-tests-ports-{start}")
        except OSError:
            claim.close()
            continue
        return itertools.cycle(range(start, start + SLICE)), claim
    raise AssertionError("all ports are taken by other runs of the tests")


def is_free(port, kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(kind=socket.SOCK_STREAM):
    candidates = itertools.islice(slice_of_ports()[0], SLICE)
    return next(port for port in candidates if is_free(port, kind))


def free_udp_port():
    return free_port(socket.SOCK_DGRAM)


def wait_until(condition, what, timeout=ANSWER_DEADLINE, interval=0.05):
    """The first true value of condition(); fails the test if there is none in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(interval)


def run(*command, timeout=60, check=True, env=None, cwd=None):
    """Runs a client program to its end."""
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=timeout,
                          cwd=cwd,
                          env={**os.environ, **(env or {})}, check=False)
    done.out = done.stdout.decode("utf-8", "replace")
    done.err = done.stderr.decode("utf-8", "replace")
    if check and done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.out}\n{done.err}")
    return done


def write(path, text, mode=0o640, changed=None):
    """
    Replaces a file as a whole, as an editor does: readers see the old text or the new. changed: the
    second it says that it was changed in.
    """
    path = Path(path)
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(text if isinstance(text, bytes) else text.encode())
    fresh.chmod(mode)
    if changed is not None:
        os.utime(fresh, (changed, changed))
    fresh.rename(path)
    return path


class Program:
    """A program in the foreground, its output in a log file."""

    def __init__(self, name, directory, command, env=None):
        self.name = name
        self.log_path = Path(directory) / f"{name}.log"
        self.command = [str(word) for word in command]
        self.env = {**os.environ, **(env or {})}
        self.process = None

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=self.env)
        return self

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process is not None and self.process.poll() is None

    def assert_running(self):
        assert self.running(), f"{self.name} ended with {self.process.poll()}:\n{self.log()}"

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait_log(self, pattern, timeout=ANSWER_DEADLINE, after=0):
        """Waits for a line of the log that matches; after: bytes of the log to skip."""
        return wait_until(lambda: re.search(pattern, self.log()[after:]),
                          f"{pattern!r} in the log of {self.name}:\n{self.log()}", timeout)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=STOP_DEADLINE):
        """The exit status; fails the test if the program does not end."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop:\n{self.log()}") from None

    def stop(self):
        if not self.running():
            return self.process.returncode if self.process else None
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        if self.running():
            self.process.kill()
            self.process.wait()


def user_option():
    """NUT's programs give up root for a user who may not read our temporary directories."""
    return ["-u", "root"] if os.geteuid() == 0 else []


# Devices --------------------------------------------------------------------------------------

class Device:
    """A UPS section: a file that tells the readings, and options."""

    def __init__(self, name, readings, description=None, ending="dev", **options):
        self.name = name
        self.readings = readings  # text, bytes, a Path below tests/data; None: there is no file
        self.description = description
        self.ending = ending
        self.options = options
        self.path = None

    def place(self, directory):
        """Writes the file; a device that two servers share has only one."""
        if self.path is not None:
            return
        self.path = Path(directory) / f"{self.name}.{self.ending}"
        if isinstance(self.readings, Path):
            self.readings = self.readings.read_text()
        if self.readings is not None:
            self.write(self.readings)

    def write(self, text):
        """NUT's dummy-ups knows a changed file by its second: there is one for each change."""
        earlier = int(self.path.stat().st_mtime) if self.path.exists() else 0
        write(self.path, text, 0o644, max(int(time.time()), earlier + 1))

    def values(self):
        """name -> value, of the text as last written (simple texts only)."""
        text = self.path.read_text()
        pairs = (line.split(":", 1) for line in text.splitlines()
                 if re.match(r"[a-z][^#\s]*:", line))
        return {name: value.strip() for name, value in pairs}

    def change(self, **values):
        """Sets variables in the file: change(ups__status="OB")."""
        merged = self.values()
        for key, value in values.items():
            merged[key.replace("__", ".")] = value
        self.write("".join(f"{name}: {value}\n" for name, value in merged.items()))

    def section(self):
        lines = [f"[{self.name}]", "\tdriver = dummy-ups", f"\tport = {self.path}"]
        if self.description is not None:
            lines.append(f'\tdesc = "{self.description}"')
        for key, value in self.options.items():
            key = key.replace("__", ".")
            lines.append(f"\t{key}" if value is True else f'\t{key} = "{value}"')
        return "\n".join(lines) + "\n\n"


ON_LINE = """\
battery.charge: 100
battery.charge.low: 20
battery.runtime: 1800
battery.voltage: 27.2
battery.voltage.nominal: 24
device.mfr: Acme
device.model: Bridge 1000
device.type: ups
input.frequency: 50.0
input.voltage: 230.4
output.voltage: 229.8
ups.load: 23
ups.mfr: Acme
ups.model: Bridge 1000
ups.realpower: 210
ups.status: OL
"""

USERS = """\
[admin]
\tpassword = secret
\tactions = SET FSD
\tinstcmds = ALL

[setter]
\tpassword = setpw
\tactions = SET

[commander]
\tpassword = compw
\tinstcmds = load.off
\tinstcmds = load.on

[primary]
\tpassword = prpw
\tupsmon primary

[secondary]
\tpassword = sepw
\tupsmon secondary

[master]
\tpassword = mapw
\tupsmon = master

[slave]
\tpassword = slpw
\tupsmon slave

[nobody]
\tpassword = nopw

[nopassword]
\tactions = SET FSD
\tinstcmds = ALL
"""


# upsbridged -----------------------------------------------------------------------------------

class Bridge:
    """upsbridged with its configuration directory."""

    def __init__(self, binary, directory, devices, snmp="SNMP off\n", snmp_conf="", users=USERS,
                 upsd_conf="", port=None, name="upsbridged"):
        self.binary = binary
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.devices = list(devices)
        self.snmp, self.snmp_conf, self.users = snmp, snmp_conf, users
        self.extra_upsd_conf = upsd_conf
        self.port = port or free_port()
        self.program = Program(name, self.directory, [binary, "-F", "-c", self.directory])
        for device in self.devices:
            device.place(self.directory)
        self.write_configuration()

    def write_configuration(self):
        state = self.directory / "state"
        state.mkdir(exist_ok=True)
        write(self.directory / "ups.conf", "".join(d.section() for d in self.devices))
        write(self.directory / "upsd.conf",
              f"LISTEN {LOOPBACK} {self.port}\nSTATEPATH {state}\n{self.extra_upsd_conf}")
        write(self.directory / "upsd.users", self.users)
        write(self.directory / "upsbridge.conf", self.snmp)
        write(self.directory / "upsbridge-snmp.conf", self.snmp_conf)

    def device(self, name):
        return next(device for device in self.devices if device.name == name)

    def start(self):
        self.program.start()
        self.wait_ready()
        return self

    def wait_ready(self):
        """Until every device that has data says something better than WAIT."""
        wait_for_port(self.port, self.program)
        for device in self.devices:
            if device.readings is not None:
                self.wait_value(device.name, "ups.status",
                                lambda status: status not in (None, "WAIT"))

    def wait_value(self, ups, variable, expected, timeout=ANSWER_DEADLINE):
        """Until the variable has the value expected (or fulfils it)."""
        test = expected if callable(expected) else lambda value: value == expected
        with self.client() as client:
            wait_until(lambda: test(client.value(ups, variable)),
                       f"{ups} {variable} {expected}, is {client.value(ups, variable)}", timeout)

    def wait_answer(self, line, expected, timeout=ANSWER_DEADLINE):
        """Until a request gets the answer expected."""
        with self.client() as client:
            wait_until(lambda: client.ask(line) == expected,
                       f"{expected!r} to {line!r}, is {client.ask(line)!r}", timeout)

    def client(self, timeout=ANSWER_DEADLINE):
        return NutClient(self.port, timeout)

    def reload(self):
        self.program.assert_running()
        self.program.signal(signal.SIGHUP)

    def check(self):
        """upsbridged -t: its exit status and what it says."""
        return run(self.binary, "-t", "-c", self.directory, check=False)

    def memory(self, field="VmRSS"):
        """Kilobytes, from /proc (or a plain number, as of Threads)."""
        text = Path(f"/proc/{self.program.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+)", text, re.M)[1])

    def memory_limit(self, kilobytes):
        """A limit of growth; more for a build with sanitizers, which address terabytes."""
        return kilobytes * (16 if self.memory("VmSize") > 1 << 30 else 1)

    def stop(self):
        """Stops it, and sees that it stops as it should."""
        if self.program.process is None:
            return
        alive = self.program.running()
        status = self.program.stop()
        assert alive, f"upsbridged had ended by itself, with {status}:\n{self.program.log()}"
        assert status == 0, f"upsbridged ended with {status}:\n{self.program.log()}"
        self.program.process = None

    def kill(self):
        """As a crash ends it."""
        self.program.kill()
        self.program.process = None


def wait_for_port(port, program):
    def answers():
        program.assert_running()
        try:
            socket.create_connection((LOOPBACK, port), timeout=5).close()
            return True
        except ConnectionRefusedError:
            return False

    wait_until(answers, f"{program.name} on port {port}", START_DEADLINE)


# NUT ------------------------------------------------------------------------------------------

class NutClient:
    """A connection to a NUT server: one line out, one answer in."""

    def __init__(self, port, timeout=ANSWER_DEADLINE, host=LOOPBACK):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *details):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def line(self):
        """The next line without LF; EOFError if the server has closed."""
        while b"\n" not in self.buffer:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                raise EOFError(f"closed by the server, left: {self.buffer!r}")
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode("latin-1")

    def answer(self):
        """One whole answer: a line, or a list with its BEGIN and END."""
        first = self.line()
        if not first.startswith("BEGIN LIST"):
            return first
        lines = [first]
        while not lines[-1].startswith("END LIST"):
            lines.append(self.line())
        return "\n".join(lines)

    def ask(self, request):
        self.send(request + (b"\n" if isinstance(request, bytes) else "\n"))
        return self.answer()

    def ask_all(self, requests):
        return [self.ask(request) for request in requests]

    def authenticate(self, user, password):
        assert self.ask(f"USERNAME {user}") == "OK"
        assert self.ask(f"PASSWORD {password}") == "OK"
        return self

    def ask_to_the_end(self, data):
        """Sends bytes and no more: all that is answered until the server closes."""
        self.send(data)
        self.socket.shutdown(socket.SHUT_WR)
        while not self.buffer.endswith(b"<end>"):
            more = self.socket.recv(65536)
            self.buffer += more or b"<end>"
        return self.buffer[:-len(b"<end>")]

    def value(self, ups, variable):
        """The value, or None if the answer is an error."""
        answer = self.ask(f"GET VAR {ups} {variable}")
        found = re.fullmatch(r'VAR \S+ \S+ "(.*)"', answer)
        return found and re.sub(r"\\(.)", r"\1", found[1])

    def variables(self, ups):
        lines = self.ask(f"LIST VAR {ups}").split("\n")
        assert lines[0] == f"BEGIN LIST VAR {ups}", lines[0]
        found = (re.fullmatch(r'VAR \S+ (\S+) "(.*)"', line) for line in lines[1:-1])
        return {match[1]: re.sub(r"\\(.)", r"\1", match[2]) for match in found}

    def at_end(self):
        """True once the server has closed the connection; waits for it."""
        try:
            while True:
                self.line()
        except EOFError:
            return True


class NutServer:
    """NUT's own upsd, with a dummy-ups for each device."""

    def __init__(self, directory, devices, users=USERS, upsd_conf="", port=None):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.devices = list(devices)
        self.port = port or free_port()
        state = self.directory / "state"
        state.mkdir(exist_ok=True)
        env = {"NUT_CONFPATH": str(self.directory), "NUT_STATEPATH": str(state),
               "NUT_ALTPIDPATH": str(state), "NUT_PIDPATH": str(state)}
        for device in self.devices:
            device.place(self.directory)
        write(self.directory / "ups.conf", "".join(d.section() for d in self.devices))
        write(self.directory / "upsd.conf",
              f"LISTEN {LOOPBACK} {self.port}\nSTATEPATH {state}\n{upsd_conf}")
        write(self.directory / "upsd.users", users)
        self.drivers = [Program(f"dummy-ups-{device.name}", self.directory,
                                [nut_program("dummy-ups"), "-D", *user_option(), "-a", device.name],
                                env) for device in self.living()]
        self.program = Program("upsd", self.directory,
                               [nut_program("upsd"), "-F", *user_option()], env)

    def client(self, timeout=ANSWER_DEADLINE):
        return NutClient(self.port, timeout)

    def start(self):
        for driver in self.drivers:
            driver.start()
        state = self.directory / "state"
        wait_until(lambda: all((state / f"dummy-ups-{d.name}").exists() for d in self.living()),
                   "the sockets of the dummy-ups drivers", START_DEADLINE)
        self.program.start()
        wait_for_port(self.port, self.program)
        with self.client() as client:
            for device in self.living():
                wait_until(lambda: client.value(device.name, "ups.status") not in (None, "WAIT"),
                           f"upsd has data of {device.name}:\n{self.program.log()}")
        return self

    def stop(self):
        self.program.stop()
        for driver in self.drivers:
            driver.stop()

    def programs(self):
        return [self.program, *self.drivers]

    def living(self):
        """The devices that have a file, and so a driver."""
        return [device for device in self.devices if device.readings is not None]

    def driver(self, name):
        return next(driver for driver in self.drivers if driver.name == f"dummy-ups-{name}")


class Upsmon:
    """NUT's upsmon, whose shutdown command only leaves a mark."""

    def __init__(self, name, directory, monitor, settings=""):
        self.directory = Path(directory) / name
        self.directory.mkdir(parents=True)
        self.mark = self.directory / "shutdown-was-ordered"
        self.notices_path = self.directory / "notices"
        script = write(self.directory / "notify",
                       f'#!/bin/sh\necho "$NOTIFYTYPE" >> {self.notices_path}\n', 0o755)
        flags = "".join(f"NOTIFYFLAG {kind} EXEC\n"
                        for kind in ("ONLINE", "ONBATT", "LOWBATT", "FSD", "COMMOK", "COMMBAD",
                                     "SHUTDOWN", "NOCOMM"))
        write(self.directory / "upsmon.conf",
              f"MONITOR {monitor}\nMINSUPPLIES 1\n"
              f'SHUTDOWNCMD "/bin/date +%s.%N >> {self.mark}"\n'
              f'POWERDOWNFLAG "{self.directory}/killpower"\n'
              f'NOTIFYCMD "{script}"\n'
              f"{flags}"
              "POLLFREQ 1\nPOLLFREQALERT 1\nHOSTSYNC 15\nDEADTIME 15\nFINALDELAY 0\n"
              f"RUN_AS_USER {'root' if os.geteuid() == 0 else os.environ.get('USER', 'nut')}\n"
              f"{settings}")
        state = self.directory / "state"
        state.mkdir()
        env = {"NUT_CONFPATH": str(self.directory), "NUT_STATEPATH": str(state),
               "NUT_ALTPIDPATH": str(state), "NUT_PIDPATH": str(state)}
        self.program = Program(name, self.directory, [nut_program("upsmon"), "-D", "-p"], env)

    def start(self):
        # What an earlier life has logged says nothing of whether this one has begun.
        self.program.log_path.unlink(missing_ok=True)
        self.program.start()
        wait_until(self.let_go_of_pid_file, f"{self.program.name} has begun", START_DEADLINE)
        return self

    def let_go_of_pid_file(self):
        """
        Its place is built into upsmon, and a second upsmon does not start while the file is there.
        True once upsmon has written it (or could not), and it is gone. If another was in the way,
        of a second run of the tests perhaps, ours is started again.
        """
        if not self.program.running():
            assert "already running" in self.program.log(), self.program.log()
            self.program.log_path.unlink()
            self.program.start()
        if "Trying to connect" not in self.program.log():
            return False
        # Without the right to write it upsmon says something else.
        saved = re.search(r"Saving PID (\d+) into (\S+)", self.program.log())
        path = Path(saved[2]) if saved else None
        if path and path.exists() and path.read_text().strip() == str(self.program.pid):
            path.unlink()
        return True

    def notices(self):
        """The kinds of events upsmon told of, in order."""
        return self.notices_path.read_text().split() if self.notices_path.exists() else []

    def wait_notice(self, kind, timeout=ANSWER_DEADLINE):
        wait_until(lambda: kind in self.notices(),
                   f"{self.program.name} tells {kind}, has told {self.notices()}\n"
                   f"{self.program.log()}", timeout)

    def shutdown_ordered(self):
        return self.mark.exists()

    def shutdowns(self):
        """When shutdowns were ordered, in seconds since 1970."""
        return [float(line) for line in self.mark.read_text().split()] if self.mark.exists() else []

    def forget(self):
        """The host boots: what happened before is no news of its new life."""
        self.mark.unlink(missing_ok=True)
        self.notices_path.unlink(missing_ok=True)

    def stop(self):
        self.program.stop()


# SNMP -----------------------------------------------------------------------------------------

UPS_MIB = ".1.3.6.1.2.1.33"

# Names of contexts are those of UPSes; "public" sees the default one, and each community its own.
SNMP_ACCESS = """\
view all included .1
rocommunity public 127.0.0.1 -V all
{communities}
createUser reader SHA "reader-auth-pass" AES "reader-priv-pass"
rouser reader priv -V all *
"""


def snmp_access(*contexts):
    lines = []
    for name in contexts:
        lines += [f"com2sec -Cn {name} {name}Sec 127.0.0.1 {name}",
                  f"group {name}Group v1 {name}Sec",
                  f"group {name}Group v2c {name}Sec",
                  f"access {name}Group {name} any noauth exact all none none"]
    return SNMP_ACCESS.format(communities="\n".join(lines))


class SnmpAgent:
    """An SNMP agent at a UDP port, as a manager sees it through net-snmp's tools."""

    VERSIONS = {
        "v1": ["-v1", "-c", "public"],
        "v2c": ["-v2c", "-c", "public"],
        "v3": ["-v3", "-u", "reader", "-l", "authPriv", "-a", "SHA", "-A", "reader-auth-pass",
               "-x", "AES", "-X", "reader-priv-pass"],
    }

    def __init__(self, port):
        self.port = port

    def command(self, tool, *words, version="v2c", community=None, context=None, timeout=5,
                retries=1, check=True):
        options = list(self.VERSIONS[version])
        if community is not None:
            options[options.index("-c") + 1] = community
        if context is not None:
            options += ["-n", context]
        return run(tool, *options, "-t", timeout, "-r", retries, "-m", "", "-On", "-Oe", "-OU",
                   f"udp:{LOOPBACK}:{self.port}" if tool != "snmptable" else
                   f"{LOOPBACK}:{self.port}", *words, check=check,
                   env={"MIBS": "", "SNMPCONFPATH": "/nonexistent"})

    @staticmethod
    def parse(text):
        """OID -> 'TYPE: value', of lines such as net-snmp's tools print."""
        return dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line)

    def get(self, *oids, **options):
        """The values, one an OID; None for those that do not exist."""
        done = self.command("snmpget", *[full_oid(oid) for oid in oids], **options)
        found = self.parse(done.out)
        values = [found.get(full_oid(oid), "No Such") for oid in oids]
        return [None if value.startswith("No Such") else value for value in values]

    def get_number(self, oid, **options):
        """The number of an object, or None."""
        value = self.get(oid, **options)[0]
        return None if value is None else int(re.search(r"-?\d+", value.split(": ", 1)[1])[0])

    def get_text(self, oid, **options):
        value = self.get(oid, **options)[0]
        return None if value is None else value.split(": ", 1)[1].strip('"')

    def walk(self, root=UPS_MIB, tool="snmpwalk", **options):
        return self.parse(self.command(tool, root, **options).out)

    def answers(self, oid=".1.3.6.1.2.1.33.1.1.2.0", **options):
        """Does an object exist, asked once with a short time-out?"""
        options = {"timeout": 1, "retries": 0, **options}
        done = self.command("snmpget", full_oid(oid), check=False, **options)
        return done.returncode == 0 and "No Such" not in done.out


def full_oid(oid):
    """"1.2.0" stands for an object of the UPS-MIB."""
    return oid if oid.startswith(".") else f"{UPS_MIB}.1.{oid}"


class Snmpd:
    """net-snmp's snmpd as AgentX master. conf: more lines for its snmpd.conf."""

    def __init__(self, directory, contexts, agentx=None, port=None, conf=""):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = port or free_udp_port()
        self.agentx = agentx or str(self.directory / "agentx.socket")
        conf = write(self.directory / "snmpd.conf",
                     "master agentx\n"
                     f"agentXSocket {self.agentx}\n"
                     "agentXPerms 0777 0755\n"
                     "agentXTimeout 2\nagentXRetries 1\n"
                     f"[snmp] persistentDir {self.directory}/persistent\n"
                     + snmp_access(*contexts) + conf)
        self.program = Program("snmpd", self.directory,
                               ["/usr/sbin/snmpd", "-f", "-Lo", "-C", "-c", conf,
                                "-I", "-smux,mteTrigger,mteTriggerConf,ifTable,ifXTable",
                                "-p", self.directory / "snmpd.pid",
                                f"udp:{LOOPBACK}:{self.port}"],
                               {"MIBS": "", "SNMP_PERSISTENT_DIR": str(self.directory / "persistent"),
                                "SNMPCONFPATH": str(self.directory)})
        self.agent = SnmpAgent(self.port)

    def start(self):
        self.program.start()
        wait_until(lambda: self.program.assert_running() or
                   self.agent.answers(".1.3.6.1.2.1.1.3.0"), "snmpd answers", START_DEADLINE)
        return self

    def kill(self):
        self.program.kill()

    def stop(self):
        self.program.stop()
