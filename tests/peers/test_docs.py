# SPDX-License-Identifier: BSD-2-Clause
"""
What the documents say must be so: the README's commands run, its picture shows what the programs
show, manual pages name every option and directive there is and none that is not, and the sample
configuration is right.
"""

import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from conftest import TOP
from harness import (LOOPBACK, ON_LINE, START_DEADLINE, Device, Program, find_program, free_port,
                     free_udp_port, run, wait_for_port, wait_until, write)
import pki

DEMO = TOP / "conf" / "demo"
MANUALS = sorted((TOP / "man").glob("*.[578]"))
UPS_MODEL = ".1.3.6.1.2.1.33.1.1.2.0"


def manual(name):
    return (TOP / "man" / name).read_text()


def get(port, *words, oid=UPS_MODEL):
    """snmpget: the bare value, or nothing."""
    return run("snmpget", *words, "-t", "1", "-r", "1", "-m", "", "-Oqv", f"{LOOPBACK}:{port}", oid,
               check=False).out


# The demo's configuration, on ports of its own -------------------------------------------------

class Demo:
    """The files of upsbridged --demo, so that its fixed ports need not be free."""

    def __init__(self, binary, directory):
        self.nut_port, self.snmp_port = free_port(), free_udp_port()
        for path in DEMO.iterdir():
            write(directory / path.name, self.moved(path.read_text()))
        with open(directory / "upsd.conf", "a", encoding="ascii") as file:
            file.write(f"STATEPATH {directory}\n")
        self.program = Program("demo", directory, [binary, "-F", "-c", directory])

    def moved(self, text):
        """A text with this demo's ports in the place of the fixed ones."""
        return text.replace("1161", str(self.snmp_port)).replace("3493", str(self.nut_port))

    def start(self):
        self.program.start()
        wait_for_port(self.nut_port, self.program)
        wait_until(lambda: self.run("upsc apc@127.0.0.1 ups.status").out.strip() not in ("", "WAIT"),
                   "the demo's UPS tells its status", START_DEADLINE)
        return self

    def run(self, command):
        words = self.moved(command).split()
        if words[0] == "upsc":
            words[1] += f":{self.nut_port}"
        return run(*words, check=False, env={"MIBS": ""})

    def stop(self):
        self.program.stop()


@pytest.fixture
def demo(stage, binary, tmp_path):
    actor = Demo(binary, tmp_path)
    return stage.add(actor, actor.program).start()


def demo_values(ups):
    """name -> all values the demo's file ever gives it."""
    values = {}
    for line in (DEMO / f"{ups}.seq").read_text().splitlines():
        found = re.match(r"([a-z][\w.]*): *(.*)$", line)
        if found:
            values.setdefault(found[1], set()).add(found[2])
    return values


# README ---------------------------------------------------------------------------------------

README = (TOP / "README.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


def block_with(text):
    return next(block for block in blocks("text") if text in block)


def test_readme_names_the_two_commands():
    commands = [block.strip() for block in blocks("sh")]
    assert commands[:2] == ["./quickstart", "./run-tests"]
    for script in ("quickstart", "run-tests", ".ci/run", "bootstrap"):
        assert os.access(TOP / script, os.X_OK), script


def test_readme_names_what_exists():
    names = re.findall(r"\]\(([^):]+)\)", README)
    for cell in re.findall(r"^\| (`[a-z]+/`.*?) \|", README, re.M):
        names += re.findall(r"`([a-z]+/)`", cell)
    assert {"LICENSE", "core/", "man/upsbridged.8"} <= set(names)
    assert [name for name in names if not (TOP / name).exists()] == []


def test_readme_checks_a_configuration(binary, tmp_path):
    """The command shown for /etc/nut, on files such as there are in it."""
    line = next(line for line in "".join(blocks("sh")).splitlines() if " -t " in line)
    words = line.split()
    assert words == ["upsbridged", "-t", "-c", "/etc/nut"]
    write(tmp_path / "ups.conf", "maxretry = 3\n[lab]\n\tdriver = dummy-ups\n\tport = lab.dev\n")
    write(tmp_path / "upsd.conf", "LISTEN 127.0.0.1 3493\n")
    write(tmp_path / "upsd.users", "[admin]\n\tpassword = x\n\tupsmon primary\n")
    done = run(binary, *words[1:3], tmp_path)
    assert "1 UPS" in done.out and done.err == ""


@pytest.mark.snmp_face
@pytest.mark.peers("snmpget")
def test_readme_standalone_snmp(stage):
    """The files shown serve the UPS to a manager that is allowed in."""
    port = free_udp_port()
    stage.bridge([Device("first", ON_LINE.replace("Bridge 1000", "Model 1")),
                  Device("lab", ON_LINE.replace("Bridge 1000", "Model 2"))],
                 snmp=block_with("SNMP listen").replace("0.0.0.0:161", f"{LOOPBACK}:{port}"),
                 snmp_conf=block_with("createUser").replace("192.0.2.0/24", "127.0.0.0/8"))
    wait_until(lambda: "Model 2" in get(port, "-v2c", "-c", "public"), "v2c shows the default UPS")
    v3 = ["-v3", "-u", "monitor", "-l", "authPriv", "-a", "SHA", "-A", "a long passphrase", "-x",
          "AES", "-X", "another long one"]
    assert "Model 2" in get(port, *v3)
    assert "Model 1" in get(port, *v3, "-n", "first")


@pytest.mark.snmp_face
@pytest.mark.peers("snmpd", "snmpget")
def test_readme_snmpd_lines(stage, tmp_path):
    """The lines for snmpd.conf let upsbridged in, and lead each community to its UPS."""
    port = free_udp_port()
    lines = block_with("master agentx").replace("192.0.2.0/24", "127.0.0.0/8")
    master = tmp_path / "agentx"
    conf = write(tmp_path / "snmpd.conf", f"{lines}\nagentXSocket {master}\n")
    snmpd = Program("snmpd", tmp_path,
                    [find_program("snmpd", "/usr/sbin"), "-f", "-Lo", "-C", "-c", conf,
                     "-I", "-smux", "-p", tmp_path / "snmpd.pid", f"udp:{LOOPBACK}:{port}"],
                    {"MIBS": "", "SNMP_PERSISTENT_DIR": str(tmp_path / "persistent")})
    stage.add(snmpd, snmpd).start()
    wait_until(lambda: snmpd.assert_running() or master.exists(), "snmpd's socket", START_DEADLINE)
    stage.bridge([Device(name, ON_LINE.replace("Bridge 1000", f"Model of {name}"))
                  for name in ("lab", "cellar")], snmp=f"SNMP agentx {master}\n")
    for name in ("lab", "cellar"):
        wait_until(lambda: f"Model of {name}" in get(port, "-v2c", "-c", f"{name}-secret"),
                   f"the model of {name} through snmpd")


def test_readme_picture_is_true(demo):
    """Each NUT variable of the picture is there, with a value that the demo gives it at times."""
    rows = [line.split(" | ", 1)[1] for line in block_with("ups.model").splitlines()
            if " | " in line]
    pairs = [row.split(": ", 1) for row in rows if re.match(r"[a-z.]+: ", row)]
    assert len(pairs) > 5
    values = demo_values("apc")
    served = dict(line.split(": ", 1) for line in demo.run("upsc apc@127.0.0.1").out.splitlines())
    for name, value in pairs:
        assert name in served and value in values[name], name
    assert f"| {len(served)} variables in all\n" in block_with("ups.model")


@pytest.mark.snmp_face
@pytest.mark.peers("upsc", "snmpwalk")
def test_what_the_demo_says_to_try_works(demo, binary):
    """The commands of the demo's welcome and of upsbridged(8) get an answer."""
    source = (TOP / "daemon" / "demo.c").read_text().split("void demo_print_welcome")[1]
    welcome = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', source)).replace(r"\n", "\n")
    commands = re.findall(r"^  ((?:upsc|snmpwalk) .*)$", welcome, re.M)
    commands += re.findall(r"^(?:upsc|snmpwalk) .*$", manual("upsbridged.8"), re.M)
    assert len(commands) > 4
    for command in commands:
        done = demo.run(command)
        assert done.returncode == 0 and done.out, (command, done.err)
        assert "No Such" not in done.out, command


# The scripts ----------------------------------------------------------------------------------

@pytest.fixture
def quickstart(binary, tmp_path, demo_ports):
    """Starts ./quickstart; its output goes to the file tmp_path/output."""
    if os.path.realpath(binary) != os.path.realpath(TOP / "build" / "upsbridged"):
        pytest.skip("quickstart builds in build/, and it is another build that is tested")
    processes = []

    def hear_interrupts():
        # A shell's background job is started deaf to them, and all it starts inherits that.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    def start():
        with open(tmp_path / "output", "wb") as file:
            processes.append(subprocess.Popen(
                [TOP / "quickstart"], stdin=subprocess.DEVNULL, stdout=file,
                stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=hear_interrupts,
                env={**os.environ, "TMPDIR": str(tmp_path)}))
        return processes[0]

    yield start
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.snmp_face
def test_quickstart_shows_both_faces_and_stops(quickstart, demo_ports, tmp_path):
    output = tmp_path / "output"
    process = quickstart()
    wait_until(lambda: process.poll() is not None or "ups.status: OL " in output.read_text(),
               "quickstart tells the state of the UPS", 120)
    os.killpg(process.pid, signal.SIGINT)
    status = process.wait(30)
    shown = output.read_text()
    assert status == 0, shown
    assert re.search(r"^ upsIdentModel +Back-UPS ES 850G2 +\| ups.model: Back-UPS ES 850G2$",
                     shown, re.M), shown
    for name in re.findall(r"^(ups[A-Z]\S+) .*\|", block_with("ups.model"), re.M):
        assert f"\n {name} " in shown, f"{name} of the README's picture"
    assert re.search(r"^ ?\d+ objects in all.*", block_with("ups.model"), re.M)[0] in shown
    assert re.search(r"^ upsOutputSource +normal +\| ups.status: OL$", shown, re.M), shown
    assert demo_ports(), "the demo is still there"
    assert [path.name for path in tmp_path.iterdir()] == ["output"], "files were left behind"


@pytest.mark.snmp_face
def test_quickstart_says_that_a_port_is_taken(quickstart, tmp_path):
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind((LOOPBACK, 3493))
        squatter.listen()
        status = quickstart().wait(120)
    shown = (tmp_path / "output").read_text()
    assert status == 1 and "3493/tcp" in shown, shown
    assert [path.name for path in tmp_path.iterdir()] == ["output"], "files were left behind"


def test_run_tests_refuses_unknown_options():
    done = run(TOP / "run-tests", "--no-such-option", check=False)
    assert done.returncode == 2 and "usage" in done.err


# Manual pages ---------------------------------------------------------------------------------

def test_options_and_manual_agree(binary):
    helped = run(binary, "--help").out
    in_help = set(re.findall(r"^ +(?:-\w, +)?(--[a-z]+)", helped, re.M))
    in_help |= set(re.findall(r"^ +(-\w), ", helped, re.M))
    items = re.findall(r"^\.It (Fl .*)$", manual("upsbridged.8"), re.M)
    in_manual = {"-" + word for item in items for word in re.findall(r"(?:Fl |, (?!Fl))(-?\w+)", item)}
    assert {"--confdir", "-c", "--demo"} <= in_help
    assert in_manual == in_help


def test_options_are_all_in_the_help(binary):
    source = (TOP / "daemon" / "options.c").read_text()
    helped = run(binary, "--help").out
    options = re.findall(r'\{ "([a-z]+)", \w+_argument', source)
    assert len(options) > 5
    assert [option for option in options if f"--{option}" not in helped] == []


def named(page):
    """The words that a page marks as literal: directives, keys, values."""
    lines = re.findall(r"^\.(?:It )?(?:Ic|Cm) (.*)$", manual(page), re.M)
    return {word for line in lines for word in re.findall(r"[A-Za-z_-]+(?:\.(?= Ns))?", line)}


def source_of(folder):
    return "".join(path.read_text() for path in sorted((TOP / folder).glob("*.c")))


def table(folder, start):
    """The strings of the C table that begins with this text."""
    text = source_of(folder)
    assert text.count(start) == 1, f"{start!r} is not to be found in {folder}"
    return re.findall(r'"([^"]+)"', text.split(start, 1)[1].split("};", 1)[0])


@pytest.mark.parametrize("folder, start", [
    ("core", "static const char *const idle[] = {"),
    ("core", "static const struct directive directives[] = {"),
    ("drivers", "static const struct driver_option common[] = {"),
    ("nutproto", "} keys[] = {"),
])
def test_every_word_of_a_table_is_in_the_manual(folder, start):
    words = table(folder, start)
    assert len(words) > 4
    known = named("upsbridge-nut.5")
    assert [word for word in words if word.rstrip("*") not in known] == []


def test_every_word_compared_is_in_a_manual():
    """Those that the readers of the configuration compare with one by one."""
    words = re.findall(r'str(?:case)?cmp\((?:key|what|loading->line->words\[0\]), "([\w-]+)"\)',
                       source_of("core"))
    assert {"pollinterval", "chroot", "SNMP", "agentx", "serve-index"} <= set(words)
    known = named("upsbridge-nut.5") | named("upsbridge.conf.5")
    assert [word for word in words if word not in known] == []


def options_of_drivers(binary):
    """Driver -> its options, as upsbridged --drivers tells; not those of any ending."""
    drivers = {}
    for line in run(binary, "--drivers").out.splitlines():
        words = line.split()
        if words[0] == "driver":
            options = drivers.setdefault(words[1], set())
        elif words[0] == "option" and not words[1].endswith("*"):
            options.add(words[1])
    return drivers


def test_every_option_of_a_driver_is_in_its_manual(binary):
    drivers = options_of_drivers(binary)
    common = drivers.pop("*")
    assert {"usbhid", "megatec", "simulated"} & set(drivers) and "pollinterval" in common
    for driver, options in drivers.items():
        assert sorted(options - named(f"upsbridge-{driver}.5")) == [], driver


@pytest.mark.usb
@pytest.mark.modbus
@pytest.mark.snmp_face
def test_the_page_of_the_drivers_is_of_these_drivers(binary):
    """Else: make drivers-manual."""
    made = subprocess.run([TOP / "tools" / "drivers-manual"], check=True, capture_output=True,
                          input=run(binary, "--drivers").stdout)
    assert made.stdout.decode() == manual("upsbridge-drivers.7")


def test_no_directive_of_the_manual_is_unknown(binary, tmp_path):
    section = manual("upsbridge-nut.5").split(".Sh UPSD.CONF")[1].split(".Sh UPSD.USERS")[0]
    words = set(re.findall(r"^\.(?:It )?Ic ([A-Z_]+)", section, re.M))
    assert {"MAXAGE", "CERTFILE"} <= words
    write(tmp_path / "ups.conf", "[ups]\n\tdriver = simulated\n\tport = x.dev\n")
    write(tmp_path / "upsd.users", "")
    write(tmp_path / "upsd.conf", "".join(f"{word}\n" for word in sorted({*words, "NO_SUCH"})))
    done = run(binary, "-t", "-c", tmp_path, check=False)
    assert re.findall(r"unknown directive '(\w+)'", done.err) == ["NO_SUCH"]


@pytest.mark.snmp_face
@pytest.mark.parametrize("line, starts", [
    ("rwcommunity secret 127.0.0.1", True),
    ("rwuser somebody", True),
    ("rocommunity public\ntrapsink 127.0.0.1 public", True),
    ("rocommunity public\nagentAddress udp:127.0.0.1:1", True),
    ("rocommunity public\nsysLocation here", False),
    ("agentAddress udp:127.0.0.1:1", False),  # lets nobody in
])
def test_other_words_of_snmp_access(stage, line, starts):
    """As upsbridge-snmp.conf(5) has it: some have no effect, others are errors."""
    assert line.split("\n")[-1].split()[0] in named("upsbridge-snmp.conf.5")
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False, snmp_conf=line + "\n",
                          snmp=f"SNMP listen udp:{LOOPBACK}:{free_udp_port()}\n")
    if starts:
        bridge.start()
        return
    bridge.program.start()
    assert bridge.program.wait() == 1
    assert "upsbridge-snmp.conf is wrong" in bridge.program.log()
    bridge.program.process = None


@pytest.mark.parametrize("page", MANUALS, ids=lambda page: page.name)
def test_manual_is_installed(page):
    assert f"man/{page.name}" in (TOP / "Makefile.am").read_text()


# Samples --------------------------------------------------------------------------------------

SETTING = re.compile(r"^#(?=[^ #\n])", re.M)


def sample(name, uncommented=False):
    text = (TOP / "conf" / f"{name}.sample").read_text()
    return SETTING.sub("", text) if uncommented else text


def assert_right(binary, directory):
    """-t finds nothing, not even a warning."""
    done = run(binary, "-t", "-c", directory, check=False)
    assert (done.returncode, done.err) == (0, "")
    assert "3 UPSes" in done.out


def place(directory):
    for name in ("ups.conf", "upsd.conf", "upsd.users", "upsbridge-snmp.conf"):
        write(directory / name, sample(name, uncommented=True), 0o600)
    authority = pki.Identity("authority", authority=True)
    write(directory / "upsd.pem", pki.Identity("server", authority).pem(), 0o600)
    write(directory / "clients.pem", authority.certificate_pem())
    write(directory / "revoked.pem", authority.revoke())


@pytest.mark.tls
def test_samples_are_right(binary, tmp_path):
    place(tmp_path)
    shutil.copy(TOP / "conf" / "upsbridge.conf.sample", tmp_path / "upsbridge.conf")
    assert_right(binary, tmp_path)


@pytest.mark.tls
@pytest.mark.parametrize("line", [line[1:] for line in sample("upsbridge.conf").splitlines()
                                  if SETTING.match(line)])
def test_each_choice_of_upsbridge_conf_is_right(binary, tmp_path, line):
    place(tmp_path)
    write(tmp_path / "upsbridge.conf", line + "\n")
    assert_right(binary, tmp_path)


@pytest.mark.parametrize("name", ["ups.conf", "upsd.conf", "upsd.users", "upsbridge.conf",
                                  "upsbridge-snmp.conf", "snmpd.conf"])
def test_samples_do_nothing_as_they_are(name):
    """So that no password that everybody knows is ever in force by itself."""
    assert [line for line in sample(name).splitlines() if line and line[0] != "#"] == []
    assert sample(name, uncommented=True) != sample(name)


@pytest.mark.snmp_face
@pytest.mark.peers("snmpget")
def test_sample_of_snmp_access_is_right(stage):
    port = free_udp_port()
    access = sample("upsbridge-snmp.conf", uncommented=True)
    stage.bridge([Device("lab", ON_LINE),
                  Device("cellar", ON_LINE.replace("Bridge 1000", "Bridge 2000"))],
                 snmp=f"SNMP listen udp:{LOOPBACK}:{port}\n",
                 snmp_conf=access.replace("192.0.2.0/24", "127.0.0.0/8"))
    wait_until(lambda: "Bridge 1000" in get(port, "-v2c", "-c", "public"), "the default UPS")
    assert "Bridge 2000" in get(port, "-v2c", "-c", "cellar-secret")
    v3 = ["-v3", "-u", "monitor", "-l", "authPriv", "-a", "SHA", "-A", "choose a passphrase",
          "-x", "AES", "-X", "choose another one"]
    assert "Bridge 2000" in get(port, *v3, "-n", "cellar")
    assert get(port, "-v2c", "-c", "wrong") == ""


V3 = ["-v3", "-u", "monitor", "-l", "authPriv", "-a", "SHA", "-A", "choose a passphrase", "-x",
      "AES", "-X", "choose another one"]


@pytest.mark.snmp_face
@pytest.mark.peers("snmpget", "snmpwalk", "snmpd")
def test_sample_for_snmpd_is_right(stage):
    """A real snmpd takes it, and shows what it says to whom it says."""
    agentx = stage.directory / "agentx"
    text = sample("snmpd.conf", uncommented=True)
    assert text.count("192.0.2.0/24") == 3 and "agentXPerms 0660 0755 root upsbridge\n" in text
    text = text.replace("192.0.2.0/24", "127.0.0.0/8")
    text = text.replace("agentXPerms 0660 0755 root upsbridge\n", f"agentXSocket {agentx}\n")
    port = free_udp_port()
    conf = write(stage.directory / "snmpd.conf",
                 f"{text}[snmp] persistentDir {stage.directory}/persistent\n")
    snmpd = stage.program("snmpd", [
        "/usr/sbin/snmpd", "-f", "-Lo", "-C", "-c", conf, "-I", "-smux,ifTable,ifXTable",
        "-p", stage.directory / "snmpd.pid", f"udp:{LOOPBACK}:{port}"], {"MIBS": ""})
    stage.bridge([Device("lab", ON_LINE),
                  Device("cellar", ON_LINE.replace("Bridge 1000", "Bridge 2000"))],
                 snmp=f"SNMP agentx {agentx}\n")
    wait_until(lambda: "Bridge 2000" in get(port, "-v2c", "-c", "cellar-secret"), "the UPS cellar")
    assert "Bridge 1000" in get(port, "-v2c", "-c", "lab-secret")
    assert "Bridge 1000" in get(port, "-v2c", "-c", "site-secret")
    assert "Bridge 2000" in get(port, *V3, "-n", "cellar")
    assert "error" not in snmpd.log().lower() and "warning" not in snmpd.log().lower()

    def roots(*options):
        """Which of the subtrees that views name are seen."""
        seen = run("snmpwalk", *options, "-m", "", "-On", f"{LOOPBACK}:{port}", ".1.3.6.1").out
        return {root for root in re.findall(r"^view \S+ included \.?(\S+)$", text, re.M)
                if f"\n.{root}." in "\n" + seen}
    everything = {"1.3.6.1.2.1.1", "1.3.6.1.2.1.33", "1.3.6.1.2.1.47", "1.3.6.1.2.1.99",
                  "1.3.6.1.4.1.8072.9999.9999.1628"}
    ours = "1.3.6.1.4.1.8072.9999.9999.1628"
    assert roots("-v2c", "-c", "site-secret") == roots(*V3) == everything
    assert roots("-v2c", "-c", "cellar-secret") == roots(*V3, "-n", "lab") == everything - {ours}
