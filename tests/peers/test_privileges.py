# SPDX-License-Identifier: BSD-2-Clause
"""
What upsbridged may do once it serves: whose rights it has, that it gets no more, and that it lives
in a jail as well as outside.
"""

import os
import re
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from harness import (LOOPBACK, ON_LINE, USERS, Device, free_port, free_udp_port,
                     nut_program, run, snmp_access, wait_for_port, wait_until, write)
import pki
from trapd import USER, Trapd

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

# The search for leaks of a build with sanitizers needs /proc, which no jail has.
NO_PROC = {"ASAN_OPTIONS": "detect_leaks=0"}

UPS_MODEL = ".1.3.6.1.2.1.33.1.1.2.0"


def process_status(pid):
    """name -> value, of /proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(re.split(r":\s*", line, maxsplit=1) for line in lines)


def assert_powerless(pid):
    status = process_status(pid)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, status
    assert status["NoNewPrivs"] == "1"


def has_sandbox(binary):
    return "sandbox: seccomp" in run(binary, "-V").out


@pytest.fixture
def public():
    """A directory that others may enter, too."""
    with tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o755)
        yield Path(path)


# The user -------------------------------------------------------------------------------------

@needs_root
def test_user_groups_and_capabilities(stage, public):
    """The user's own groups, and nothing of root's in any set."""
    groups = {int(word) for word in run("id", "-G", "games").out.split()}
    device = Device("ups", ON_LINE)
    device.place(public)
    bridge = stage.bridge([device], start=False)
    bridge.program.command += ["-u", "games"]
    bridge.start()
    status = process_status(bridge.program.pid)
    user = int(run("id", "-u", "games").out)
    assert [int(word) for word in status["Uid"].split()] == [user] * 4
    assert {int(word) for word in status["Gid"].split()} <= groups
    assert {int(word) for word in status["Groups"].split()} == groups
    assert_powerless(bridge.program.pid)
    for task in Path(f"/proc/{bridge.program.pid}/task").iterdir():
        assert_powerless(f"{bridge.program.pid}/task/{task.name}")


@needs_root
@pytest.mark.snmp_face
@pytest.mark.peers("snmptrapd")
def test_receivers_are_found_without_rights(stage, public):
    """Names are looked up by a thread, when all rights are given up, and the sandbox is there."""
    trapd = Trapd(stage.directory / "snmptrapd")
    stage.add(trapd, trapd.program).start()
    device = Device("ups", ON_LINE)
    device.place(public)
    bridge = stage.bridge([device], start=False,
                          snmp=f"SNMP listen udp:127.0.0.1:{free_udp_port()}\n",
                          snmp_conf=snmp_access() + f"informsink localhost:{trapd.port}\n"
                          f"trapsess -Ci -v3 {' '.join(USER)} localhost:{trapd.port}\n")
    bridge.program.command += ["-u", "games"]
    bridge.start()
    device.change(ups__status="OB")
    wait_until(lambda: len(trapd.wait_what("ups", "Added", 6)) == 2, "both informs")
    assert_powerless(bridge.program.pid)


@needs_root
def test_user_of_ups_conf(stage, public):
    device = Device("ups", ON_LINE)
    device.place(public)
    bridge = stage.bridge([device], start=False)
    write(bridge.directory / "ups.conf", "user = games\n" + device.section())
    bridge.start()
    assert process_status(bridge.program.pid)["Uid"].split()[0] == run("id", "-u", "games").out.strip()


@needs_root
def test_capabilities_given_to_another_user_are_given_up(stage, public, binary):
    """As a service manager starts it: not root, with the capability to open a low port."""
    device = Device("ups", ON_LINE)
    bridge = stage.bridge([device], start=False)
    shutil.copytree(bridge.directory, public / "conf")
    run("chown", "-R", "nobody", public)
    write(public / "conf" / "ups.conf", device.section().replace(str(bridge.directory),
                                                                f"{public}/conf"), 0o644)
    command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
               "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"]
    shutil.copy(binary, public / "upsbridged")
    program = stage.program("ambient", [*command, public / "upsbridged", "-F", "-c",
                                        public / "conf"])
    wait_for_port(bridge.port, program)
    program.wait_log("opened")
    status = process_status(program.pid)
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[name], 16) == 0, status
    assert status["NoNewPrivs"] == "1"


# The jail -------------------------------------------------------------------------------------

class Jail:
    """A jail as NUT's documentation has them made, and upsbridged's configuration in it."""

    CONF = "etc/nut"
    STATE = "var/lib/ups"

    def __init__(self, root):
        self.root = root
        self.port, self.snmp_port = free_port(), free_udp_port()
        self.conf, self.state = root / self.CONF, root / self.STATE
        self.conf.mkdir(parents=True)
        self.state.mkdir(parents=True)
        (root / "dev").mkdir()
        run("cp", "-a", "/dev/null", root / "dev")
        shutil.copy("/etc/localtime", root / "etc")
        for name in ("hosts", "resolv.conf", "hosts.allow", "hosts.deny"):
            if Path("/etc", name).exists():
                shutil.copy(Path("/etc", name), root / "etc")
        self.write_ups_conf("ups")
        write(self.conf / "upsd.conf", f"LISTEN {LOOPBACK} {self.port}\nSTATEPATH /{self.STATE}\n")
        write(self.conf / "upsd.users", USERS)
        write(self.conf / "upsbridge.conf", f"SNMP listen udp:{LOOPBACK}:{self.snmp_port}\n")
        write(self.conf / "upsbridge-snmp.conf",
              "view all included .1\nrocommunity public 127.0.0.0/8 -V all\n")
        self.place_readings("Bridge 1000")
        run("chown", "-R", "games:games", self.conf, self.state)

    def write_ups_conf(self, *names, more=""):
        sections = "".join(f"[{name}]\n\tdriver = dummy-ups\n\tport = /{self.CONF}/ups.dev\n"
                           for name in names)
        write(self.conf / "ups.conf", more + sections)
        shutil.chown(self.conf / "ups.conf", "games", "games")

    def place_readings(self, model):
        write(self.conf / "ups.dev", ON_LINE.replace("Bridge 1000", model), 0o644)

    def command(self, binary, *more):
        return [binary, "-F", "-c", f"/{self.CONF}", *more]


@pytest.fixture
def jail(public):
    return Jail(public / "jail")


def assert_jailed(program, jail):
    assert os.readlink(f"/proc/{program.pid}/root") == str(jail.root)
    assert os.readlink(f"/proc/{program.pid}/cwd") == str(jail.root)
    assert process_status(program.pid)["Uid"].split()[0] == run("id", "-u", "games").out.strip()
    assert_powerless(program.pid)
    # No way out by what is still open.
    for entry in Path(f"/proc/{program.pid}/fd").iterdir():
        target = os.readlink(entry)
        assert not os.path.isdir(target) or target.startswith(str(jail.root)), target


@needs_root
@pytest.mark.peers("upsc", "upsmon", "snmpget")
def test_jail(stage, binary, jail):
    """upsc, upsmon, snmpget, a change of readings and a reload, all in the jail of the option."""
    program = stage.program("jailed", jail.command(binary, "-r", jail.root, "-u", "games"))
    wait_for_port(jail.port, program)
    program.wait_log(r"\[ups\] opened")
    assert_jailed(program, jail)
    assert not re.search("jail:", program.log())

    def model():
        return run(nut_program("upsc"), f"ups@{LOOPBACK}:{jail.port}", "ups.model",
                   check=False).out.strip()

    def snmp_model():
        return run("snmpget", "-v2c", "-c", "public", "-m", "", "-Oqv",
                   f"{LOOPBACK}:{jail.snmp_port}", UPS_MODEL, check=False).out.strip('"\n')

    wait_until(lambda: model() == "Bridge 1000", "upsc sees the UPS")
    wait_until(lambda: snmp_model() == "Bridge 1000", "snmpget sees the UPS")
    upsmon = stage.upsmon("upsmon", f"ups@{LOOPBACK}:{jail.port} 1 secondary sepw secondary")
    program.wait_log(r"secondary@127\.0\.0\.1 logged into UPS \[ups\]")
    upsmon.program.assert_running()
    jail.place_readings("Bridge 2000")
    wait_until(lambda: model() == "Bridge 2000", "the file in the jail is watched")
    wait_until(lambda: snmp_model() == "Bridge 2000", "snmpget sees it too")
    jail.write_ups_conf("ups", "other")
    program.signal(signal.SIGHUP)
    program.wait_log(r"\[other\] opened")
    assert run(nut_program("upsc"), "-l", f"{LOOPBACK}:{jail.port}").out.split() == ["ups", "other"]


@needs_root
@pytest.mark.tls
@pytest.mark.peers("upsc", "certutil", "pk12util")
@pytest.mark.parametrize("database", [False, True])
def test_tls_in_a_jail(stage, binary, jail, database):
    """Certificates inside, whatever libraries reading them takes; at a reload too."""
    if database and "--without-nss" in run(binary, "-V").out:
        pytest.skip("upsbridged was built --without-nss")
    identity = pki.Identity("first")
    upsd_conf = (jail.conf / "upsd.conf").read_text()
    folder = jail.conf / "cert_db"
    if database:
        options = pki.nss_database(folder)
        pki.nss_identity(folder, options, identity, "upsd")
        upsd_conf += f"CERTPATH /{jail.CONF}/cert_db\nCERTIDENT upsd dbpass\n"
        write(jail.conf / "upsd.conf", upsd_conf)
        done = run(*jail.command(binary, "-t", "-r", jail.root), check=False)
        assert "NSS needs /dev/urandom, which is not there" in done.err
        run("cp", "-a", "/dev/urandom", jail.root / "dev")
    else:
        write(jail.conf / "upsd.pem", identity.pem())
        upsd_conf += f"CERTFILE /{jail.CONF}/upsd.pem\n"
    write(jail.conf / "upsd.conf", upsd_conf)
    run("chown", "-R", "games:games", jail.conf)
    program = stage.program("jailed", jail.command(binary, "-r", jail.root, "-u", "games"))
    program.wait_log("certificate of CN=first")
    wait_for_port(jail.port, program)
    if database:
        run("certutil", "-F", *options, "-n", "upsd")
        pki.nss_identity(folder, options, pki.Identity("second"), "upsd")
    else:
        write(jail.conf / "upsd.pem", pki.Identity("second").pem())
    run("chown", "-R", "games:games", jail.conf)
    program.signal(signal.SIGHUP)
    program.wait_log("certificate of CN=second")
    assert run("upsc", "-l", f"{LOOPBACK}:{jail.port}").out == "ups\n"


@needs_root
def test_jail_of_ups_conf(stage, binary, jail, tmp_path):
    """The file outside leads to the jail; what is in force is the file inside, from the start."""
    outside = f"chroot = {jail.root}\nuser = nobody\n[outside]\n\tdriver = dummy-ups\n\tport = x\n"
    write(tmp_path / "ups.conf", outside)
    inside = jail.root / str(tmp_path)[1:]
    inside.parent.mkdir(parents=True)
    jail.write_ups_conf("ups", more=f"chroot = {jail.root}\nuser = games\n")
    inside.symlink_to(os.path.relpath(jail.conf, inside.parent))
    program = stage.program("jailed", [binary, "-F", "-c", tmp_path])
    wait_for_port(jail.port, program)
    program.wait_log(r"\[ups\] opened")
    assert_jailed(program, jail)
    assert "outside" not in program.log()


@needs_root
def test_a_user_that_only_the_world_outside_knows(binary, jail):
    """A link in the jail that leads elsewhere seen from outside hides user= until it is too late."""
    (jail.root / "conf").symlink_to(f"/{jail.CONF}")
    jail.write_ups_conf("ups", more="user = games\n")
    done = run(binary, "-F", "-c", "/conf", "-r", jail.root, check=False)
    assert done.returncode == 1 and "-u games would look for the user outside" in done.err


@needs_root
def test_a_directory_without_a_slash_is_inside(stage, binary, jail):
    """Wherever one is, and the user is found all the same."""
    jail.write_ups_conf("ups", more="user = games\n")
    program = stage.program("jailed", [binary, "-F", "-c", jail.CONF, "-r", jail.root])
    wait_for_port(jail.port, program)
    program.wait_log(r"\[ups\] opened")
    assert_jailed(program, jail)


@needs_root
def test_root_in_a_jail_is_warned_of(stage, binary, jail):
    program = stage.program("jailed", jail.command(binary, "-r", jail.root))
    program.wait_log(r"jail: it does not keep root in: say -u USER")
    wait_for_port(jail.port, program)


@needs_root
def test_jail_in_the_background(stage, binary, jail, tmp_path):
    """It needs no /dev/null inside, and its pid file is outside."""
    (jail.root / "dev" / "null").unlink()
    pid_file = tmp_path / "pid"
    command = jail.command(binary, "-r", jail.root, "-u", "games", "-P", pid_file)
    run(*(word for word in command if word != "-F"))
    pid = int(pid_file.read_text())
    try:
        assert os.readlink(f"/proc/{pid}/root") == str(jail.root)
        for number in range(3):
            assert os.stat(f"/proc/{pid}/fd/{number}").st_rdev == os.stat("/dev/null").st_rdev
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: pid_file.read_text() == "", "the pid file is emptied")


@needs_root
def test_what_a_jail_lacks_is_said_with_the_command(binary, jail):
    """Each command of the log, run in a shell, ends its warning."""
    shutil.rmtree(jail.state)
    for name in ("hosts", "hosts.allow"):
        (jail.root / "etc" / name).unlink(missing_ok=True)
    write(jail.conf / "upsbridge.conf", "SNMP off\n")
    command = jail.command(binary, "-r", jail.root, "-u", "games", "-t")
    warnings = re.findall(r"jail: .*: ((?:mkdir|install) .*)", run(*command, env=NO_PROC).err)
    assert len(warnings) >= 2
    for warning in warnings:
        run("sh", "-e", "-c", warning)
    assert "jail:" not in run(*command, env=NO_PROC).err


@needs_root
def test_a_jail_without_configuration_says_how_to_fill_it(binary, public, tmp_path):
    write(tmp_path / "ups.conf", "")
    done = run(binary, "-F", "-c", tmp_path, "-r", public, "-u", "games", check=False)
    assert done.returncode == 1
    wanted = f"mkdir -p {public}{tmp_path} && cp -a {tmp_path}/. {public}{tmp_path}"
    assert wanted in done.err, done.err


@needs_root
def test_a_usb_device_in_a_jail_names_what_it_needs(binary, jail):
    write(jail.conf / "ups.conf", "[usb]\n\tdriver = usbhid-ups\n\tport = auto\n")
    done = run(*jail.command(binary, "-r", jail.root, "-u", "games", "-t"), check=False)
    for path in ("/dev/bus/usb", "/sys", "/run/udev"):
        assert re.search(rf"\[usb\] needs {path}: mkdir -p {jail.root}{path} && mount --rbind",
                         done.err), done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root can")
def test_a_jail_needs_root(binary, tmp_path):
    write(tmp_path / "ups.conf", "[ups]\n\tdriver = dummy-ups\n\tport = x\n")
    done = run(binary, "-F", "-c", tmp_path, "-r", tmp_path, check=False)
    assert done.returncode == 1 and "cannot chroot" in done.err


def test_no_jail_for_the_demo(binary, tmp_path):
    done = run(binary, "--demo", "-r", tmp_path, check=False)
    assert done.returncode == 1 and "--demo" in done.err


# The sandbox ----------------------------------------------------------------------------------

@pytest.mark.parametrize("line, mode", [("", "2"), ("SECCOMP on\n", "2"), ("SECCOMP log\n", "2"),
                                        ("SECCOMP off\n", "0")])
def test_seccomp(stage, binary, line, mode):
    """Of every thread, device's threads too."""
    bridge = stage.bridge([Device("ups", ON_LINE)], snmp=f"SNMP off\n{line}")
    expected = mode if has_sandbox(binary) else "0"
    tasks = list(Path(f"/proc/{bridge.program.pid}/task").iterdir())
    assert len(tasks) > 1
    for task in tasks:
        assert process_status(f"{bridge.program.pid}/task/{task.name}")["Seccomp"] == expected


def test_no_program_can_be_executed(stage, binary):
    """Through a debugger, as nothing in the daemon would try to."""
    if not has_sandbox(binary) or os.geteuid() != 0 or shutil.which("gdb") is None:
        pytest.skip("needs gdb, root and a sandbox")
    bridge = stage.bridge([Device("ups", ON_LINE)])
    said = run("gdb", "-p", bridge.program.pid, "-batch", "-nx",
               "-ex", "print (int)execl(\"/bin/true\", \"true\", (char *)0)",
               "-ex", "print (int)setuid(0)", check=False).out
    assert re.findall(r"^\$\d = (-?\d+)", said, re.M) == ["-1", "-1"], said
    bridge.wait_value("ups", "ups.status", "OL")


def test_seccomp_is_on_off_or_log(stage):
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False, snmp="SNMP off\nSECCOMP maybe\n")
    done = bridge.check()
    assert done.returncode == 1
    assert "upsbridge.conf:2: SECCOMP must be on, off or log, not 'maybe'" in done.err


# The files ------------------------------------------------------------------------------------

@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("name, mode, said", [
    ("upsd.users", 0o644, "everybody may read its passwords|world readable"),
    ("upsbridge-snmp.conf", 0o604, "everybody may read its passwords"),
    ("upsd.users", 0o642, "everybody may change it"),
    ("ups.conf", 0o666, "everybody may change it"),
    ("upsd.conf", 0o666, "everybody may change it"),
    ("upsbridge.conf", 0o602, "everybody may change it"),
    ("ups.conf", 0o644, None),
    ("upsd.conf", 0o644, None),
    ("upsbridge.conf", 0o644, None),
])
def test_permissions(stage, strict, name, mode, said):
    more = "STRICT_PERMISSIONS yes\n" if strict else ""
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False, snmp=f"SNMP off\n{more}")
    (bridge.directory / name).chmod(mode)
    done = bridge.check()
    if said is None:
        assert (done.returncode, done.err) == (0, "")
        return
    kind = "error" if strict else "warning"
    assert re.search(rf"^{kind}: {bridge.directory}/{name}: .*({said})", done.err, re.M), done.err
    assert done.returncode == (1 if strict else 0)
    for command in re.findall(r": (chmod .*)$", done.err, re.M):
        run("sh", "-c", command)
    (bridge.directory / name).chmod((bridge.directory / name).stat().st_mode & 0o770)
    assert bridge.check().err == ""


def test_a_password_in_upsd_conf_is_a_secret(stage):
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False,
                          upsd_conf='CERTIDENT "" "a password"\n')
    (bridge.directory / "upsd.conf").chmod(0o644)
    assert "upsd.conf: everybody may read its passwords" in bridge.check().err


@needs_root
def test_files_that_a_reload_could_not_read(stage, public):
    """Are named at the start, with the commands; after them the reload goes well."""
    device = Device("ups", ON_LINE)
    device.place(public)
    bridge = stage.bridge([device], start=False)
    bridge.directory.chmod(0o755)
    for folder in bridge.directory.parents:
        if str(folder) != "/tmp" and folder.owner() == "root" and folder.is_relative_to("/tmp"):
            folder.chmod(0o755)
    (bridge.directory / "upsd.users").chmod(0o600)
    (bridge.directory / "upsbridge-snmp.conf").chmod(0o600)
    for name in ("ups.conf", "upsd.conf", "upsbridge.conf"):
        (bridge.directory / name).chmod(0o644)
    bridge.program.command += ["-u", "games"]
    bridge.start()
    commands = re.findall(r"upsd?\S+: a reload could not read it: (.*)", bridge.program.log())
    assert len(commands) == 2
    bridge.reload()
    bridge.program.wait_log("upsd.users: Permission denied")
    for command in commands:
        run("sh", "-e", "-c", command)
    before = len(bridge.program.log())
    bridge.reload()
    bridge.program.wait_log("reloading", after=before)
    bridge.wait_answer("GET UPSDESC ups", 'UPSDESC ups "Unavailable"')
    assert "Permission denied" not in bridge.program.log()[before:]
