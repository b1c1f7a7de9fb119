# SPDX-License-Identifier: BSD-2-Clause
"""
upsbridged --check-map as a site engineer uses it: the example of upsbridge-map(5) as it stands there,
every installed map, and mistakes, each named by file, line and field.
"""

import re

import pytest

from conftest import TOP
from harness import run, write

MAPS = sorted((TOP / "modbus" / "maps").glob("*.map"))
EXAMPLES = [block.replace(r"\&", "") for block in re.findall(
    r"^\.Bd -literal -offset indent\n(.*?)^\.Ed$", (TOP / "man" / "upsbridge-map.5").read_text(),
    re.M | re.S)]


def example(text):
    return next(block for block in EXAMPLES if text in block)


@pytest.fixture
def lab(tmp_path):
    write(tmp_path / "lab.map", example("name   = lab"))
    write(tmp_path / "lab.txt", example("# table: holding"))
    return tmp_path



def test_the_example_of_the_manual(binary, lab):
    command = example("--check-map").split()
    assert command[:2] == ["upsbridged", "--check-map"]
    done = run(binary, "--check-map", lab / command[2], command[3], lab / command[4], check=False)
    assert (done.returncode, done.err) == (0, "")
    lines = done.out.splitlines()
    for line in ("ups.model: Example 3000", "input.voltage: 230.4", "battery.charge: 97",
                 "battery.runtime: 2460", "ups.temperature: -3.5", "ups.delay.shutdown: 60",
                 "ups.status: OL", "quick poll: 1 read"):
        assert line in lines
    assert re.search(r"input.voltage +230.4 +<- holding 1 = 0x0900", done.out)


def test_the_other_examples_of_the_manual_are_right(binary, lab):
    text = (lab / "lab.map").read_text()
    rows = example("output.{L1-N")
    commands = example("load.off.delay").replace("@112", "@40112").replace("@116", "@40116")
    write(lab / "lab.map", text.replace("[status]", rows.replace("{10,11,12}",
                                                                 "{40020,40021,40022}")
                                        + "[status]") + commands)
    done = run(binary, "--check-map", lab / "lab.map", check=False)
    assert (done.returncode, done.err) == (0, "")


@pytest.mark.parametrize("line, text, wanted", [
    (18, "ups.load = @40003 in minutes", "18: ups.load: in: 'minutes' is no unit"),
    (18, "ups.load = @40003 in min", "18: ups.load: in: it is told in '%', which min cannot become"),
    (14, "battery.charge = @0", "14: battery.charge: addresses begin with 1 here"),
    (20, "OL = state.16", "20: OL: a u16 has the bits 0 to 15, there is no bit 16"),
    (20, "OL = stat.0", "20: OL: 'stat.0' is no variable of a line above"),
    (25, '"Fault" = @40001.3 }', "25: Fault: '}' cannot stand here"),
    (31, "load.off = write @30001 1", "31: load.off: the table input cannot be written"),
    (4, "baud = 9600", "4: baud: [map] knows no such word"),
])
def test_mistakes_name_file_line_and_field(binary, lab, line, text, wanted):
    lines = (lab / "lab.map").read_text().splitlines()
    lines[line - 1:line - 1] = [text]
    write(lab / "lab.map", "\n".join(lines) + "\n")
    done = run(binary, "--check-map", lab / "lab.map", check=False)
    assert done.returncode == 1
    assert f"error: {lab}/lab.map:{wanted}" in done.err


def test_a_wrong_dump_fails(binary, lab):
    write(lab / "lab.txt", (lab / "lab.txt").read_text().replace("1 2304", "1 65535"))
    done = run(binary, "--check-map", lab / "lab.map", "--dump", lab / "lab.txt", check=False)
    assert done.returncode == 1
    assert "different: input.voltage is not there, it should be 230.4" in done.err
    assert "input.voltage:" not in done.out


@pytest.mark.parametrize("path", MAPS, ids=lambda path: path.stem)
def test_installed_maps(binary, path):
    done = run(binary, "--check-map", path, check=False)
    assert (done.returncode, done.err) == (0, "")
    assert f"modbus/maps/{path.name}" in (TOP / "Makefile.am").read_text()


def test_the_sample(binary):
    done = run(binary, "--check-map", TOP / "conf" / "modbus.map.sample", check=False)
    assert (done.returncode, done.err) == (0, "")
    assert "full poll: 2 reads" in done.out


def test_a_map_on_top_of_another(binary, lab):
    """Lines told again take the place of those told before, the others stay."""
    write(lab / "mine.map", "[map]\nextends = lab\nname = mine\n"
                            "[values]\ninput.voltage = @40002 / 100\n[status]\nLB = state.3\n")
    write(lab / "mine.txt", (lab / "lab.txt").read_text().replace("230.4", "23.04"))
    done = run(binary, "--check-map", lab / "mine.map", "--dump", lab / "mine.txt", check=False)
    assert (done.returncode, done.err) == (0, "")
    write(lab / "lab.map", (lab / "lab.map").read_text().replace("ups.model", "ups..", 1) + "x\n")
    done = run(binary, "--check-map", lab / "mine.map", check=False)
    assert done.returncode == 1
    assert f"error: {lab}/lab.map:33: " in done.err and f"{lab}/mine.map:2: extends: " in done.err


def test_dump_needs_a_map(binary):
    done = run(binary, "--dump", "x", check=False)
    assert done.returncode == 1 and "--dump needs --check-map" in done.err


def test_a_map_that_is_not_there(binary):
    done = run(binary, "--check-map", "no-such-map", check=False)
    assert done.returncode == 1 and "No such file" in done.err
