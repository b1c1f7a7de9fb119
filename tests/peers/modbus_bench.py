# SPDX-License-Identifier: BSD-2-Clause
"""Modbus devices of register dumps for tests: tests/sim/modbus_device.py and what is around it."""

import os
import pty
import re
import select
import subprocess
import tty
from pathlib import Path

from harness import DATA, LOOPBACK, free_port

SIMULATOR = Path(__file__).resolve().parent.parent / "sim" / "modbus_device.py"
MAPS = Path(__file__).resolve().parent.parent.parent / "modbus" / "maps"
# What a section is, beside its line, for the dump to be read as it was: driver and options.
SECTIONS = {
    "apc-smt-750-ddl": ("apc_modbus", {}),
    "apc-smt-nmc-tcp-1": ("apc_modbus", {}),
    "generex-bacs-synthetic": ("modbus", {"map": "generex"}),
    "huawei-ups2000-g-ddl": ("huawei-ups2000", {}),
    "phoenix-quint4-synthetic": ("phoenixcontact_modbus", {}),
    "powerwalker-vfi-1500-iot": ("modbus", {"map": "powerwalker-iot"}),
    "tripplite-modbuscard-synthetic": ("modbus", {"map": "tripplite-modbuscard"}),
    # Its battery is full as well, which ups.status of the recording does not say.
    "dio-contacts-generic-modbus": ("generic_modbus", {
        "OB_addr": 0, "LB_addr": 1, "RB_addr": 3}),
}


def dump_path(name):
    return DATA / "modbus" / f"{name}.txt"


def expected_values(name):
    """What the dump's "= variable value" lines say."""
    text = dump_path(name).read_text()
    return dict(re.findall(r"^= (\S+) (.*)$", text, re.M))


class Section:
    """A section of ups.conf with one of the Modbus drivers, in place of a harness.Device."""

    def __init__(self, name, driver, port, answers=True, **options):
        self.name, self.driver, self.port = name, driver, port
        self.options = options
        self.readings = {} if answers else None  # None: nobody waits for its first poll

    def place(self, directory):
        pass

    def section(self):
        options = "".join(f"\t{key}\n" if value is True else f"\t{key} = {value}\n"
                          for key, value in self.options.items())
        return (f"[{self.name}]\n\tdriver = {self.driver}\n\tport = {self.port}\n"
                f"\tpollinterval = 1\n{options}")


def section_of(dump, port, name=None, **options):
    """The section for a dump."""
    driver, own = SECTIONS[dump]
    return Section(name or dump, driver, port, **{**own, **options})


class Line:
    """Two pseudo-terminals with a wire between them: a serial line with two ends."""

    def __init__(self, directory):
        self.ends, self.paths = [], []
        for side in ("ours", "theirs"):
            master, slave = pty.openpty()
            tty.setraw(master)
            tty.setraw(slave)
            path = Path(directory) / f"line-{side}"
            path.symlink_to(os.ttyname(slave))
            self.ends.append((master, slave))
            self.paths.append(path)
        self.stopping, self.stop_end = os.pipe()
        self.wire = os.fork()
        if self.wire == 0:
            os.close(self.stop_end)
            try:
                self.carry()
            finally:
                os._exit(0)
        os.close(self.stopping)

    def carry(self):
        one, other = (master for master, _ in self.ends)
        while True:
            ready, _, _ = select.select([one, other, self.stopping], [], [])
            if self.stopping in ready:
                return
            for source in ready:
                os.write(other if source == one else one, os.read(source, 4096))

    def stop(self):
        os.close(self.stop_end)
        os.waitpid(self.wire, 0)
        for master, slave in self.ends:
            os.close(master)
            os.close(slave)


class Units:
    """
    Units with a dump each at a TCP port, or at an end of a line. units: number=name of a dump; kind:
    tcp, gateway or card, as the simulator has it.
    """

    def __init__(self, directory, units, line_end=None, name="units", kind="tcp"):
        self.name = name
        self.log_path = Path(directory) / f"{name}.log"
        self.port = None if line_end else free_port()
        where = f"rtu:{line_end}" if line_end else f"{kind}:{self.port}"
        self.command = ["/usr/bin/python3", SIMULATOR, where,
                        *[f"{number}={dump_path(dump)}" for number, dump in units.items()]]
        self.process = None

    @property
    def address(self):
        return f"{LOOPBACK}:{self.port}"

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout.readline() == "ready\n", self.log()
        return self

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def ask(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer, self.log()
        return answer

    def set(self, unit, table, address, value):
        assert self.ask("set", unit, table, address, value) == "ok"

    def get(self, unit, table, address):
        return int(self.ask("get", unit, table, address))

    def remove(self, unit, table, address):
        assert self.ask("remove", unit, table, address) == "ok"

    def silent(self, unit, is_silent):
        assert self.ask("silent", unit, "yes" if is_silent else "no") == "ok"

    def requests(self):
        """How many requests have come."""
        return sum(int(pair.split(":")[1]) for pair in self.ask("requests").split())

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process = None

    def stop(self):
        if self.process is not None:
            self.kill()
