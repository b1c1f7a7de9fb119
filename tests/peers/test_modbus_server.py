# SPDX-License-Identifier: BSD-2-Clause
"""
The Modbus face, as pymodbus sees it, another upsbridged, and whoever sends anything at all; tshark
decodes what is on the wire.
"""

import os
import re
import resource
import socket
import struct
import tempfile
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from harness import (DATA, LOOPBACK, ON_LINE, Device, SnmpAgent, find_program,
                     free_port, free_udp_port, run, snmp_access, wait_until,
                     write)
from mibs import BRIDGE_MIB
from modbus_bench import MAPS, Section

THREE_PHASES = "powerwalker-vfi-20k-cpg-3-3"
COMMANDS = {"command.test.battery.start": "ups.status: OL TEST",
            "command.load.off": "ups.status: OL OFF", "command.beeper.mute": "fails",
            "command.test.battery.stop": "after 4; ups.status: OL"}


def free_low_port():
    for port in range(1023, 600, -1):
        with socket.socket() as candidate:
            try:
                candidate.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    return pytest.fail("no port below 1024 is free")


class Commanded(Device):
    """A simulated UPS with commands."""

    def section(self):
        return super().section() + "".join(f"\t{key} = \"{steps}\"\n"
                                           for key, steps in COMMANDS.items())


class Site:
    def __init__(self, stage, lines="", snmp="SNMP off", **settings):
        self.port = free_port()
        self.devices = [Commanded("lab", ON_LINE, "In the lab"),
                        Device("hall", DATA / f"{THREE_PHASES}.dev"), Device("gone", None)]
        self.bridge = stage.bridge(
            self.devices, snmp=f"{snmp}\nMODBUS listen {LOOPBACK}:{self.port}\n{lines}", **settings)

    def client(self):
        client = ModbusTcpClient(LOOPBACK, port=self.port, timeout=20)
        assert client.connect()
        return client

    def words(self, unit, address, count=1):
        client = self.client()
        answer = client.read_holding_registers(address, count, slave=unit)
        client.close()
        assert not answer.isError(), answer
        return answer.registers


def text_of(words):
    return b"".join(struct.pack(">H", word) for word in words).rstrip(b"\0").decode()


def test_readings(stage):
    site = Site(stage)
    words = site.words(1, 0, 60)
    assert words[:2] == [1, 2] and words[2] <= 5
    assert words[3] & 0b11 == 0b01  # on line
    assert words[10] == 1000 and words[11:13] == [0, 1800]
    assert words[31] == 2304 and words[32] == 0xffff and words[29] == 1
    assert text_of(site.words(1, 100, 16)) == "lab"
    assert text_of(site.words(1, 132, 16)) == "Bridge 1000"
    assert text_of(site.words(1, 180, 16)) == "In the lab"
    hall = site.words(2, 0, 60)
    assert hall[29:34] == [3, 3, 2310, 2290, 2290]
    gone = site.words(3, 0, 20)
    assert gone[1] != 2 and gone[2] == 0xffff and gone[10] == 0xffff and gone[3] == 0


def test_a_power_failure(stage):
    site = Site(stage)
    client = site.client()
    site.devices[0].change(ups__status="OB DISCHRG LB")
    wait_until(lambda: client.read_discrete_inputs(0, 8, slave=1).bits[:8] ==
               [False, True, True, False, False, False, True, False], "the inputs tell of it")
    assert client.read_input_registers(3, 1, slave=1).registers == [0b1000110]
    client.close()


def test_units(stage):
    site = Site(stage, "MODBUS unit 9 LAB\n")
    assert text_of(site.words(9, 100, 16)) == "lab"
    assert text_of(site.words(1, 100, 16)) == "hall"
    assert text_of(site.words(255, 100, 16)) == text_of(site.words(0, 100, 16)) == "hall"
    client = site.client()
    assert client.read_holding_registers(0, 1, slave=77).exception_code == 11
    site.bridge.snmp = site.bridge.snmp.replace("unit 9", "unit 12")
    site.bridge.write_configuration()
    site.bridge.reload()
    wait_until(lambda: not client.read_holding_registers(0, 1, slave=12).isError(),
               "its new number")
    assert text_of(client.read_holding_registers(100, 16, slave=12).registers) == "lab"
    client.close()


def test_nothing_is_written_unless_allowed(stage):
    site = Site(stage)
    client = site.client()
    for answer in (client.write_coil(0, True, slave=1), client.write_register(10, 1, slave=1),
                   client.write_registers(10, [1, 2], slave=1),
                   client.write_coils(0, [True], slave=1)):
        assert answer.exception_code == 1
    assert client.read_coils(0, 10, slave=1).bits[:10] == [False] * 10
    client.close()


def test_commands(stage):
    site = Site(stage, "MODBUS write yes\n")
    client = site.client()
    assert not client.write_coil(0, True, slave=1).isError()
    site.bridge.wait_value("lab", "ups.status", "OL TEST")
    assert not client.write_coil(6, False, slave=1).isError()
    assert client.write_coil(3, True, slave=1).exception_code == 4  # the device fails
    assert client.write_coil(4, True, slave=1).exception_code == 2  # it has no such command
    assert client.write_coil(0, True, slave=2).exception_code == 2
    assert not client.write_coil(6, True, slave=1).isError()
    site.bridge.wait_value("lab", "ups.status", "OL OFF")
    client.close()
    log = site.bridge.program.log()
    assert f"[lab] load.off by Modbus client {LOOPBACK}" in log
    assert f"[lab] the command of Modbus client {LOOPBACK} failed" in log


def test_only_some_commands(stage):
    site = Site(stage, "MODBUS write test.battery.start.quick beeper.mute\n"
                       "MODBUS write driver.reload\n")
    client = site.client()
    assert client.write_coil(6, True, slave=1).exception_code == 2
    assert not client.write_coil(0, True, slave=1).isError()
    site.bridge.wait_value("lab", "ups.status", "OL TEST")
    client.close()
    assert "MODBUS write driver.reload: no coil gives this command" in site.bridge.program.log()


def test_what_comes_behind_a_command(stage):
    """It is answered in its turn, to a client that says no more as well."""
    site = Site(stage, "MODBUS write yes\n")
    order = frame(b"\x05\0\0\xff\0", transaction=1)
    with socket.create_connection((LOOPBACK, site.port), timeout=20) as connection:
        connection.sendall(order + frame(b"\x03\0\0\0\1", transaction=2) +
                           frame(b"\x08\0\0\0\0", transaction=3))
        connection.shutdown(socket.SHUT_WR)
        assert answers(connection, 3) == [order, frame(b"\x03\2\0\1", transaction=2),
                                          frame(b"\x88\1", transaction=3)]
        assert connection.recv(1) == b""


def test_a_ups_goes_with_a_reload(stage):
    site = Site(stage)
    client = site.client()
    assert not client.read_holding_registers(0, 1, slave=1).isError()
    site.bridge.devices = site.devices[1:]
    site.bridge.write_configuration()
    site.bridge.reload()
    # The connection stays, and so do the others' numbers.
    wait_until(lambda: client.read_holding_registers(0, 1, slave=1).function_code == 0x83,
               "the unit is gone")
    assert text_of(client.read_holding_registers(100, 16, slave=2).registers) == "hall"
    client.close()


def test_what_its_map_makes_of_it(stage, tmp_path):
    """Without a driver: the registers as a dump, decoded by the map that is installed."""
    site = Site(stage, "MODBUS write yes\n")
    words = site.words(2, 0, 125) + site.words(2, 125, 103)
    dump = write(tmp_path / "hall.txt", "# table: holding\n# unit: 2\n" + "".join(
        f"{address} {word}\n" for address, word in enumerate(words)))
    told = run(site.bridge.program.command[0], "--check-map", MAPS / "upsbridge.map", "--dump", dump)
    decoded = dict(re.findall(r"^([a-z]\S+): (.*)$", told.out, re.M))
    with site.bridge.client() as client:
        ours = client.variables("hall")
    assert decoded["ups.status"] == ours["ups.status"]
    assert decoded["input.phases"] == "3"
    for name in ("battery.charge", "battery.runtime", "output.frequency", "battery.temperature"):
        assert float(decoded[name]) == pytest.approx(float(ours[name]), abs=0.06), name
    for name in ours:
        if re.fullmatch(r"(input|input\.bypass|output)\.L\d(-N\.voltage|\.current)", name):
            assert float(decoded[name]) == float(ours[name]), name


@pytest.mark.modbus
def test_another_upsbridged_reads_it(stage, monkeypatch):
    monkeypatch.setenv("UPSBRIDGE_MAPS", str(MAPS))
    site = Site(stage)
    address = f"{LOOPBACK}:{site.port}"
    reader = stage.bridge([Section("lab", "modbus", address, map="upsbridge", unit=1),
                           Section("hall", "modbus", address, map="upsbridge", unit=2)],
                          name="reader")
    with site.bridge.client() as here, reader.client() as there:
        for name in ("lab", "hall"):
            ours, theirs = here.variables(name), there.variables(name)
            for variable, value in theirs.items():
                # The phases are seen by the voltages.
                if (not variable.startswith(("battery", "input", "output", "ups."))
                        or variable.endswith(".phases")):
                    continue
                source = (ours.get(variable) or ours.get(variable.replace("-N", ""))
                          or ours[variable.replace("ups.", "device.")])
                assert value == source or abs(float(value) - float(source)) < 0.06, variable
            assert len(theirs) > 20
    site.devices[0].change(ups__status="OB LB")
    reader.wait_value("lab", "ups.status", "OB LB")


def frame(pdu, unit=1, transaction=7):
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def answers(connection, count):
    """So many whole frames."""
    data, found = b"", []
    while len(found) < count:
        while len(data) < 6 or len(data) < 6 + struct.unpack(">H", data[4:6])[0]:
            more = connection.recv(65536)
            assert more, "closed"
            data += more
        length = 6 + struct.unpack(">H", data[4:6])[0]
        found.append(data[:length])
        data = data[length:]
    return found


@pytest.mark.modbus
def test_another_upsbridged_commands_it(stage, monkeypatch):
    """What takes its time is done for all that can be told; what fails has failed."""
    monkeypatch.setenv("UPSBRIDGE_MAPS", str(MAPS))
    site = Site(stage, "MODBUS write yes\n")
    reader = stage.bridge([Section("lab", "modbus", f"{LOOPBACK}:{site.port}", map="upsbridge",
                                   unit=1)], name="reader")
    with reader.client() as client:
        client.authenticate("admin", "secret")
        client.ask("SET TRACKING ON")
        for command, outcome in (("load.off", "SUCCESS"), ("test.battery.stop", "SUCCESS"),
                                 ("beeper.mute", "ERR FAILED")):
            tracked = client.ask(f"INSTCMD lab {command}").split()[-1]
            wait_until(lambda: client.ask(f"GET TRACKING {tracked}") != "PENDING", command)
            assert client.ask(f"GET TRACKING {tracked}") == outcome, command


def test_requests_in_pieces_and_heaps(stage):
    site = Site(stage)
    with socket.create_connection((LOOPBACK, site.port), timeout=20) as connection:
        request = frame(b"\x03\0\0\0\1")
        for byte in request:
            connection.sendall(bytes([byte]))
        assert answers(connection, 1) == [frame(b"\x03\2\0\1")]
        connection.sendall(b"".join(frame(b"\x03\0\0\0\1", transaction=n) for n in range(3000)))
        assert [found[:2] for found in answers(connection, 3000)] == [
            struct.pack(">H", n) for n in range(3000)]


@pytest.mark.parametrize("data", [
    b"\0\1\0\1\0\6\1\3\0\0\0\1", b"\0\1\0\0\0\0", b"\0\1\0\0\0\1\1", b"\0\1\0\0\xff\xff\1\3",
    b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\0\1\0\1\xfc\x03\x03"])
def test_what_is_no_frame(stage, data):
    site = Site(stage)
    with socket.create_connection((LOOPBACK, site.port), timeout=20) as connection:
        connection.sendall(data + b"\0" * 16)
        try:
            assert connection.recv(100) == b""
        except ConnectionResetError:
            pass
    assert site.words(1, 0) == [1]
    assert f"Modbus client {LOOPBACK} sends what is no frame" in site.bridge.program.log()


def test_who_never_reads_is_no_longer_read_from(stage):
    site = Site(stage)
    before = site.bridge.memory()
    flood = frame(b"\x03\0\0\0\x7d") * 10000
    with socket.create_connection((LOOPBACK, site.port), timeout=20) as connection:
        connection.setblocking(False)
        sent = 0
        while sent < 20 * len(flood):
            try:
                sent += connection.send(flood)
            except BlockingIOError:
                break
        assert site.words(1, 0) == [1]
        assert site.bridge.memory() < before + site.bridge.memory_limit(4096)


def is_served(site):
    """False: it was turned away."""
    with socket.create_connection((LOOPBACK, site.port), timeout=20) as connection:
        try:
            connection.sendall(frame(b"\x03\0\0\0\1"))
            return connection.recv(100) == frame(b"\x03\2\0\1")
        except (ConnectionResetError, BrokenPipeError):
            return False


def test_too_many_clients_of_one_host(stage):
    site = Site(stage)
    kept = [socket.create_connection((LOOPBACK, site.port), timeout=20) for _ in range(16)]
    for connection in kept:
        connection.sendall(frame(b"\x03\0\0\0\1"))
        assert answers(connection, 1)
    with socket.create_connection((LOOPBACK, site.port), timeout=20) as connection:
        assert connection.recv(1) == b""
    kept.pop().close()
    wait_until(lambda: is_served(site), "the place that was left")
    for connection in kept:
        connection.close()


def test_too_many_clients_of_all(stage):
    site = Site(stage)

    def connect(host):
        return socket.create_connection((LOOPBACK, site.port), timeout=20,
                                        source_address=(f"127.0.0.{host}", 0))

    kept = [connect(2 + number // 16) for number in range(64)]
    for connection in kept:
        connection.sendall(frame(b"\x03\0\0\0\1"))
        assert answers(connection, 1)
    with connect(9) as connection:
        assert connection.recv(1) == b""
    for connection in kept:
        connection.close()


def test_no_descriptors_left(stage):
    site = Site(stage)
    pid = site.bridge.program.pid
    taken = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    free = next(number for number in range(4096) if number not in taken)
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, limits[1]))
    with socket.create_connection((LOOPBACK, site.port), timeout=20) as connection:
        connection.sendall(frame(b"\x03\0\0\0\1"))
        site.bridge.program.wait_log("Modbus: cannot accept a connection: Too many open files")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        assert answers(connection, 1) == [frame(b"\x03\2\0\1")]


@pytest.mark.parametrize("lines", ["ACCESS allow 192.0.2.0/24", "MODBUS allow 192.0.2.0/24 ::1"])
def test_access(stage, lines):
    site = Site(stage, f"{lines}\n", start=False)
    site.bridge.program.start()
    wait_until(lambda: "Modbus: listening" in site.bridge.program.log(), "it listens")
    with socket.create_connection((LOOPBACK, site.port), timeout=20) as connection:
        assert connection.recv(1) == b""
    wait_until(lambda: f"Refusing Modbus client {LOOPBACK}: it is not let in"
               in site.bridge.program.log(), "the refusal is told")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may open such a port")
def test_a_port_below_1024(stage):
    """It is opened before the rights go."""
    port = free_low_port()
    with tempfile.TemporaryDirectory() as public:
        os.chmod(public, 0o755)
        device = Device("lab", ON_LINE)
        device.place(Path(public))
        bridge = stage.bridge([device], snmp=f"SNMP off\nMODBUS listen {LOOPBACK}:{port}\n",
                              start=False)
        bridge.program.command += ["-u", "games"]
        bridge.start()
        client = ModbusTcpClient(LOOPBACK, port=port, timeout=20)
        assert client.read_holding_registers(10, 1, slave=1).registers == [1000]
        client.close()
        bridge.reload()
        assert client.read_holding_registers(10, 1, slave=1).registers == [1000]
        client.close()
        bridge.stop()


@pytest.mark.parametrize("host", ["localhost", "[::1]"])
def test_where_it_listens(stage, host):
    port = free_port()
    bridge = stage.bridge([Device("lab", ON_LINE)],
                          snmp=f"SNMP off\nMODBUS listen {host}:{port}\n")
    client = ModbusTcpClient(host.strip("[]"), port=port, timeout=20)
    assert client.read_holding_registers(10, 1, slave=1).registers == [1000]
    client.close()
    bridge.stop()


def test_a_port_that_is_taken(stage):
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        bridge = stage.bridge([Device("lab", ON_LINE)], start=False,
                              snmp=f"SNMP off\nMODBUS listen {LOOPBACK}:{port}\n")
        bridge.program.start()
        assert bridge.program.wait() == 1
        assert f"MODBUS listen {LOOPBACK}:{port}: Address already in use" in bridge.program.log()
        bridge.program.process = None


def test_where_it_listens_does_not_change(stage):
    site = Site(stage)
    site.bridge.snmp = "SNMP off\nMODBUS allow 192.0.2.1\n"
    site.bridge.write_configuration()
    site.bridge.reload()
    site.bridge.program.wait_log("MODBUS listen: where Modbus clients are waited for does not change")
    wait_until(lambda: not is_served(site), "who may connect has changed")


def test_who_is_let_in(stage):
    site = Site(stage, f"MODBUS allow 192.0.2.0/24 {LOOPBACK}\n")
    assert site.words(1, 0) == [1]


@pytest.mark.peers("mbpoll")
def test_mbpoll(stage):
    """A client by libmodbus."""
    site = Site(stage, "MODBUS write yes\n")

    def mbpoll(*words):
        told = run("mbpoll", "-m", "tcp", "-p", site.port, "-a", 1, "-0", "-1", *words[:-1],
                   LOOPBACK, *words[-1], check=False)
        return dict(re.findall(r"^\[(\d+)\]:\s+(\S+)", told.out, re.M)), told

    for table in ("3:int16", "4:int16"):
        kind = table.split(":")[0]
        assert mbpoll("-t", kind, "-r", 10, "-c", 1, ())[0] == {"10": "1000"}
        runtime = mbpoll("-t", f"{kind}:int", "-B", "-r", 11, "-c", 1, ())[0]
        assert runtime == {"11": "1800"}
    assert mbpoll("-t", "1", "-r", 0, "-c", 2, ())[0] == {"0": "1", "1": "0"}
    assert "Written 1 references" in mbpoll("-t", "0", "-r", 0, ("1",))[1].out
    site.bridge.wait_value("lab", "ups.status", "OL TEST")
    assert mbpoll("-t", "4", "-r", 10, ("1",))[1].returncode != 0


@pytest.mark.snmp_face
@pytest.mark.peers("snmpget")
def test_what_is_counted(stage):
    port = free_udp_port()
    site = Site(stage, snmp=f"SNMP listen udp:{LOOPBACK}:{port}", snmp_conf=snmp_access())
    client = site.client()
    client.read_holding_registers(0, 1, slave=1)
    client.read_holding_registers(9999, 1, slave=1)
    with socket.create_connection((LOOPBACK, site.port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        connection.recv(1)
    # Clients, connections, refused, requests, exceptions, garbled.
    counts = [1, 2, 0, 2, 1, 1]
    names = [f"{BRIDGE_MIB}.1.1.{15 + i}.0" for i in range(len(counts))]
    wait_until(lambda: [int(line.split()[-1]) for line in SnmpAgent(port).command(
        "snmpget", "-Oqv", *names).out.splitlines()] == counts, "the counts")
    client.close()


@pytest.mark.parametrize("line, said", [
    ("MODBUS", "MODBUS must be followed by 'listen HOST:PORT'"),
    ("MODBUS listen 127.0.0.1", "'127.0.0.1' is not HOST:PORT"),
    ("MODBUS listen :502", "':502' is not HOST:PORT"),
    ("MODBUS unit 0 lab", "'0' is no number from 1 to 247"),
    ("MODBUS unit 248 lab", "'248' is no number from 1 to 247"),
    ("MODBUS unit 4 attic", "MODBUS unit 4 attic: there is no such UPS"),
    ("MODBUS unit 4 lab\nMODBUS unit 4 hall", "MODBUS unit 4 hall: line 3 says 4 lab"),
    ("MODBUS unit 4 lab\nMODBUS unit 5 LAB", "MODBUS unit 5 LAB: line 3 says 4 lab"),
    ("MODBUS write perhaps", "'perhaps' is neither yes nor no"),
    ("MODBUS write load.off load.of", "'load.of' is neither yes nor no nor a command"),
    ("MODBUS write yes load.off", "'yes' is neither yes nor no nor a command"),
    ("MODBUS allow 192.0.2.1/24", "MODBUS allow: '192.0.2.1/24' has bits set"),
    ("MODBUS allow", "MODBUS must be followed by"),
    ("MODBUS forward yes", "MODBUS must be followed by"),
])
def test_lines_that_are_wrong(stage, line, said):
    site = Site(stage, line + "\n", start=False)
    told = site.bridge.check()
    assert told.returncode == 1 and said in told.err
    assert re.search(rf"upsbridge\.conf:{2 + line.count(chr(10)) + 1}: ", told.err), told.err


@pytest.mark.skipif(os.geteuid() != 0 or find_program("tshark") is None,
                    reason="needs tshark and the right to capture")
def test_what_tshark_makes_of_it(stage, tmp_path):
    site = Site(stage)
    capture = tmp_path / "modbus.pcap"
    stage.program("tshark", ["tshark", "-i", "lo", "-w", capture, "-f", f"tcp port {site.port}"])
    wait_until(lambda: capture.exists() and capture.stat().st_size > 0, "the capture has begun", 30)

    def decoded():
        client = site.client()
        client.read_holding_registers(0, 60, slave=1)
        client.read_discrete_inputs(0, 20, slave=1)
        client.write_coil(0, True, slave=1)
        client.close()
        text = run("tshark", "-r", capture, "-d", f"tcp.port=={site.port},mbtcp", "-V",
                   check=False).out
        return text if text.count("Modbus/TCP") >= 6 else None

    text = wait_until(decoded, "requests and answers in the capture", 30, 0.5)
    assert "Malformed" not in text and "Illegal function" in text
