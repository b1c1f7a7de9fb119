# SPDX-License-Identifier: BSD-2-Clause
"""
upsbridge-security(7), done as it says, from the first command to the last: in namespaces of its
own, so that the paths, ports and addresses of the page can be used as they are.
"""

import os
import re
import subprocess

import pytest

from conftest import TOP
from harness import ON_LINE, nut_program, run, write

PAGE = (TOP / "man" / "upsbridge-security.7").read_text()
DISPLAY = re.compile(r'^\.\\" ([^\n]*)\n\.Bd -literal -offset indent\n(.*?)^\.Ed$', re.M | re.S)
NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


def can_do_it():
    return os.geteuid() == 0 and \
        subprocess.run([*NAMESPACES, "true"], capture_output=True, check=False).returncode == 0


# What the page takes for granted: a host with a UPS, and a NUT user.
HOST = r"""
set -eu
for dir in /etc/nut /srv /root /run /var/lib; do
    mount -t tmpfs none $dir
done
for file in hosts hosts.allow hosts.deny; do
    : >$PWD/$file
    mount --bind $PWD/$file /etc/$file
done
mkdir -p /var/lib/snmp
ip link set lo up
ip address add 192.0.2.7/32 dev lo
cat >>/etc/hosts <<END
127.0.0.1 localhost
192.0.2.7 ups.example.org
END
export PATH=$PWD/bin:$PATH GNUPGHOME=$PWD/gnupg MIBS= HOME=/root
cp myups.dev /etc/nut
printf '[myups]\n\tdriver = simulated\n\tport = myups.dev\n\tcommand.test.battery.start = "ups.test.result: passed"\n' >/etc/nut/ups.conf
: >/etc/nut/upsd.conf
: >/etc/nut/upsd.users
[ -e /etc/resolv.conf ] || : >/etc/resolv.conf

install -d -m 0700 gnupg
echo release >upsbridge-0.1.0.tar.xz
sha256sum upsbridge-0.1.0.tar.xz >upsbridge-0.1.0.tar.xz.sha256
gpg --batch --quiet --passphrase '' --quick-generate-key releases@example.org
gpg --batch --quiet --detach-sign --output upsbridge-0.1.0.tar.xz.sig upsbridge-0.1.0.tar.xz

wait_for() {
    for try in $(seq 300); do
        ! "$@" || return 0
        sleep 0.1
    done
    echo "never came true: $*" >&2
    exit 1
}

is_served() {
    upsc myups@localhost 2>/dev/null | grep -q 'ups.status: OL'
}

is_refused() {
    ! is_served
}

start_upsmon() {
    printf 'RUN_AS_USER root\nSHUTDOWNCMD /bin/true\n' >>/etc/nut/upsmon.conf
    UPSMON -D >upsmon.log 2>&1 &
    upsmon=$!
}
"""

# The daemon goes to the background by itself, but there is no syslogd here that took its log.
DAEMON = """#!/bin/sh
case " $* " in *" -t "* | *" --"*) exec {binary} "$@" ;; esac
{binary} -F "$@" >>{log} 2>&1 &
echo $! >/run/upsbridged.pid
for try in $(seq 300); do
    ! /usr/bin/python3 -c 'import socket; socket.create_connection(("127.0.0.1", 3493))' \\
        2>/dev/null || exit 0
    sleep 0.1
done
exit 1
"""

# What the page has promised when all is done.
PROMISES = r"""
import socket, ssl

def session(certificate):
    context = ssl.create_default_context(cafile="/root/authority.crt")
    if certificate is not None:
        context.load_cert_chain(certificate)
    raw = socket.create_connection(("ups.example.org", 3493), timeout=20)
    raw.sendall(b"USERNAME monitor\n")
    if raw.recv(100) != b"":
        raise SystemExit("a user name was taken in clear")
    raw = socket.create_connection(("ups.example.org", 3493), timeout=20)
    raw.sendall(b"STARTTLS\n")
    assert raw.recv(100) == b"OK STARTTLS\n"
    tls = context.wrap_socket(raw, server_hostname="ups.example.org")
    tls.sendall(b"LOGIN myups\n")
    return tls.recv(100)

assert session("/root/monitor.pem") == b"OK\n", "a certificate stands for a user"
try:
    answer = session(None)
except OSError:
    answer = b""
assert answer == b"", "a client without a certificate speaks"
"""


def displays():
    return [(what, text.replace("\\e", "\\")) for what, text in DISPLAY.findall(PAGE)]


def step(what, text):
    """One display of the page, as a piece of a shell script."""
    quoted = text.replace("'", "'\\''")
    if what.startswith("add "):
        return f"cat >>{what.split()[1]} <<'END'\n{text}END\n"
    if what == "log upsmon":
        return f"start_upsmon\nwait_for grep -qF '{quoted.strip()}' daemon.log\nkill $upsmon\n"
    if what == "run while upsc asks":
        return (f"({text}) >wire 2>capture.log &\ncapture=$!\n"
                "wait_for grep -q Capturing capture.log\nsleep 1\n"
                "while kill -0 $capture 2>/dev/null; do "
                "upsc myups@ups.example.org; done >/dev/null 2>&1\n")
    assert what == "run"
    # The reload takes effect when a client without a certificate is refused.
    wait = "wait_for is_refused\n" if "kill -HUP" in text else ""
    return f"set -x\n{text}\n{{ set +x; }} 2>/dev/null\n{wait}"


def test_every_display_says_what_is_done_with_it():
    assert PAGE.count("\n.Bd ") == len(displays()) > 20
    assert not re.search(r"^\.Dl ", PAGE, re.M)


@pytest.mark.tls
@pytest.mark.snmp_face
@pytest.mark.peers("upsc", "upscmd", "upsmon", "certutil", "tshark", "gpg", "openssl", "snmpget",
                   "ip")
@pytest.mark.skipif(not can_do_it(), reason="only root can have another /etc/nut for a while")
def test_the_whole_page(binary, tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "bin").mkdir()
    write(tmp_path / "bin" / "upsbridged",
          DAEMON.format(binary=binary, log=tmp_path / "daemon.log"), 0o755)
    write(tmp_path / "myups.dev", ON_LINE)
    write(tmp_path / "promises.py", PROMISES)
    steps = [step(what, text) for what, text in displays()]
    served = next(i for i, (what, text) in enumerate(displays()) if "-u nut" in text)
    steps.insert(served + 1, "wait_for is_served\n")
    script = write(tmp_path / "page.sh", HOST.replace("UPSMON", nut_program("upsmon")) +
                   "".join(steps) + "/usr/bin/python3 promises.py\n")
    done = subprocess.run([*NAMESPACES, "sh", script], cwd=tmp_path, capture_output=True, text=True,
                          input="choose-another\n", timeout=300, check=False)
    log = (tmp_path / "daemon.log").read_text() if (tmp_path / "daemon.log").exists() else ""
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{log}"
    # A build with sanitizers has no sandbox.
    mode = 2 if "sandbox: seccomp" in run(binary, "-V").out else 0
    for pattern in [r"^upsbridge-0\.1\.0\.tar\.xz: OK$", r"^\$y\$", r"^OL$",
                    r"^subject=CN ?= ?backup\.example\.org$", rf"^Seccomp:\s+{mode}$",
                    r"^NoNewPrivs:\s+1$", r"^CapBnd:\s+0+$", "Bridge 1000"]:
        assert re.search(pattern, done.stdout, re.M), f"{pattern}\n{done.stdout}\n{done.stderr}"
    assert "Good signature" in done.stderr
    wire = (tmp_path / "wire").read_text(errors="replace")
    assert "STARTTLS" in wire and "LIST" not in wire and "ups.status" not in wire, wire
    assert "Instant command: administrator@127.0.0.1 did test.battery.start on myups" in log
    assert "User backup@192.0.2.7 logged into UPS [myups] (SSL)" in log
