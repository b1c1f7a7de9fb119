# SPDX-License-Identifier: BSD-2-Clause
"""
UPSes with contacts on modem lines, which a library preloaded into upsbridged and NUT's genericups
gives to pseudo-terminals (tests/sim/modem_lines.c): each type, with each line, must come out alike.
"""

import os
import pathlib
import pty
import struct
import tty

import pytest

from harness import nut_program, run, wait_until, write

pytestmark = pytest.mark.peers("cc", "genericups")

SOURCE = pathlib.Path(__file__).resolve().parents[1] / "sim" / "modem_lines.c"
TYPES = range(24)
DTR, RTS, CTS, DCD, RNG, DSR = 0x2, 0x4, 0x20, 0x40, 0x80, 0x100


class Lines:
    """A pseudo-terminal with modem lines, for the programs that env is given to."""

    def __init__(self, directory, count=1):
        self.library, self.file = directory / "modem_lines.so", directory / "lines"
        run("cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", self.library, SOURCE, "-ldl")
        self.ends = [pty.openpty() for _ in range(count)]
        for _, line in self.ends:
            tty.setraw(line)
        self.paths = [os.ttyname(line) for _, line in self.ends]
        self.file.write_bytes(struct.pack("3i", 0, 0, 0))
        self.env = {"LD_PRELOAD": str(self.library), "UPSBRIDGE_TEST_LINES": str(self.file),
                    "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def set(self, lines):
        with self.file.open("r+b") as file:
            file.write(struct.pack("i", lines))

    def outputs(self):
        """The lines that the program has raised, and how many breaks it has sent."""
        return struct.unpack("3i", self.file.read_bytes())[1:]

    def stop(self):
        for master, line in self.ends:
            os.close(master)
            os.close(line)

    kill = stop


class Contact:
    readings = True

    def __init__(self, name, path, driver="genericups", **options):
        self.name = name
        self.lines = {"driver": driver, "port": path, "pollinterval": 1, **options}

    def place(self, directory):
        pass

    def section(self):
        return f"[{self.name}]\n" + "".join(f"\t{key} = {value}\n"
                                            for key, value in self.lines.items())


def serve(stage, lines, sections):
    bridge = stage.bridge(sections, start=False)
    bridge.program.env = {**(bridge.program.env or os.environ), **lines.env}
    return bridge.start()


def genericups(lines, directory, number, *words, **options):
    """name -> value that NUT's driver shows."""
    state = directory / "state"
    state.mkdir(exist_ok=True, parents=True)
    write(directory / "ups.conf", Contact("ups", lines.paths[-1], upstype=number,
                                          **options).section())
    user = ["-u", "root"] if os.geteuid() == 0 else []
    done = run(nut_program("genericups"), "-a", "ups", *user, *words,
               env={**lines.env, "NUT_CONFPATH": str(directory), "NUT_STATEPATH": str(state),
                    "NUT_ALTPIDPATH": str(state)})
    return dict(line.split(": ", 1) for line in done.out.splitlines() if ": " in line)


def test_each_type_with_each_line(stage, tmp_path):
    lines = stage.add(Lines(tmp_path, len(TYPES) + 1))
    bridge = serve(stage, lines, [Contact(f"type{number}", lines.paths[number], upstype=number)
                                  for number in TYPES])
    for state in (0, CTS, DCD, RNG, DSR, CTS | DCD, CTS | RNG | DSR):
        lines.set(state)
        expected = {number: genericups(lines, tmp_path / "nut", number, "-d", "1")
                    for number in TYPES}
        with bridge.client() as client:
            for number in TYPES:
                theirs = expected[number]
                wait_until(lambda: client.value(f"type{number}", "ups.status").split()
                           == theirs["ups.status"].split(),
                           f"type {number} with {state:#x} is {theirs['ups.status']}")
                ours = client.variables(f"type{number}")
                assert {name: value for name, value in theirs.items()
                        if name.startswith(("device.", "ups.m")) and ours[name] != value} == {}


@pytest.mark.parametrize("number", [0, 2, 4, 11, 14])
def test_turning_off(stage, tmp_path, number):
    """During the order the lines are as NUT leaves them, and thereafter as before."""
    lines = stage.add(Lines(tmp_path))
    genericups(lines, tmp_path / "nut", number, "-k")
    wanted = lines.outputs()
    lines.file.write_bytes(struct.pack("3i", 0, 0, 0))
    bridge = serve(stage, lines, [Contact("ups", lines.paths[0], upstype=number, sdtime=1)])
    power = lines.outputs()
    with bridge.client() as client:
        client.authenticate("admin", "secret")
        client.ask("INSTCMD ups shutdown.return")
    wait_until(lambda: lines.outputs() == wanted, f"the lines are {wanted}: {lines.outputs()}")
    wait_until(lambda: lines.outputs()[0] == power[0], "they are let go again")


def test_words_of_the_section(stage, tmp_path):
    lines = stage.add(Lines(tmp_path))
    words = {"OL": "-DSR", "LB": "RNG", "CP": "DTR+RTS", "SD": "-RTS", "mfr": "Acme",
             "model": "Brick", "serial": "42"}
    lines.set(RNG)
    theirs = genericups(lines, tmp_path / "nut", 1, "-d", "1", **words)
    bridge = serve(stage, lines, [Contact("ups", lines.paths[0], upstype=1, **words)])
    with bridge.client() as client:
        ours = client.variables("ups")
        names = ("ups.mfr", "ups.model", "ups.serial", "ups.status")
        assert [ours[name] for name in names] == [theirs[name] for name in names]
        assert ours["ups.status"] == "LB OL"
        lines.set(DSR)
        bridge.wait_value("ups", "ups.status", "OB")
    assert lines.outputs()[0] == DTR | RTS


def test_a_port_without_modem_lines(stage, tmp_path):
    lines = stage.add(Lines(tmp_path))
    bridge = stage.bridge([Contact("ups", lines.paths[0], upstype=1)], start=False)
    bridge.program.start()
    wait_until(lambda: "has no modem lines" in bridge.program.log(), "the log tells", 20)
