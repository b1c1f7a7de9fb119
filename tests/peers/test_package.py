# SPDX-License-Identifier: BSD-2-Clause
"""
The Debian packages: they build from a release, lintian has nothing against them, and on a machine
that has them the daemon serves; removed, they leave nothing behind. That machine is this one, seen
through an overlay that keeps all changes to itself.
"""

import re
import subprocess

import pytest

from conftest import TOP
from harness import find_program, run
from release import make_release

VERSION = re.search(r"AC_INIT\(\[upsbridge\], \[(.*?)\]\)", (TOP / "configure.ac").read_text())[1]

# FOLDER OVERLAY COMMAND: runs the command, as a shell takes it, on a machine like this one; then
# prints the names of all files that are left of what it did.
ANOTHER_MACHINE = """
set -e
mount -t tmpfs tmpfs "$2"
mkdir "$2/upper" "$2/work" "$2/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$2/upper,workdir=$2/work" "$2/root"
mount --bind /proc "$2/root/proc"
mount --bind /dev "$2/root/dev"
cp -r "$1" "$2/root/packages"
ip link set lo up
chroot "$2/root" sh -c "$3"
rm -r "$2/root/packages"
find "$2/upper" -not -type d -not -type c -printf 'left: /%P\\n'
"""


@pytest.fixture(scope="module")
def packages(binary, tmp_path_factory):
    """The folder with the packages, made as `make deb` does."""
    for program in ("dpkg-buildpackage", "dh", "lintian"):
        if find_program(program) is None:
            pytest.skip(f"{program} is not installed")
    if "libasan" in run("ldd", binary).out:
        pytest.skip("packages are made from the sources: the other build's run sees to them")
    folder = make_release(binary, tmp_path_factory.mktemp("packages"), "dist")
    done = subprocess.run([TOP / "contrib/debian/build", folder / f"upsbridge-{VERSION}.tar.xz",
                           folder], capture_output=True, text=True, check=False, timeout=600,
                          env={"PATH": "/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin",
                               "HOME": str(folder), "DEB_BUILD_OPTIONS": "nocheck parallel=2"})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


def names(package):
    return re.findall(r"^-\S+ .* \.(/\S+)$", run("dpkg-deb", "--contents", package).out, re.M)


def test_lintian_finds_no_error(packages):
    changes = next(packages.glob("*.changes"))
    done = run("lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags",
               "initial-upload-closes-no-bugs", changes, check=False, timeout=300)
    assert done.returncode == 0, done.out + done.err


def test_what_is_in_them(packages):
    daemon, mibs, doc = (names(next(packages.glob(f"{name}_*.deb")))
                         for name in ("upsbridge", "upsbridge-mibs", "upsbridge-doc"))
    pages = {path.name for path in (TOP / "man").glob("*.[578]")}
    assert {f"/usr/share/man/man{page[-1]}/{page}.gz" for page in pages} <= set(daemon)
    assert {f"/usr/share/upsbridge/maps/{path.name}"
            for path in (TOP / "modbus/maps").glob("*.map")} <= set(daemon)
    assert {"/usr/sbin/upsbridged", "/lib/systemd/system/upsbridge.service",
            "/lib/udev/rules.d/62-upsbridge.rules", "/usr/lib/sysusers.d/upsbridge.conf",
            "/usr/lib/tmpfiles.d/upsbridge.conf",
            "/etc/ufw/applications.d/upsbridge"} <= set(daemon)
    assert "/usr/share/snmp/mibs/UPSBRIDGE-MIB.txt" in mibs
    assert {f"/usr/share/doc/upsbridge-doc/html/{page}.html" for page in pages} <= set(doc)


@pytest.mark.peers("unshare", "upsc", "snmpget")
def test_installed_used_and_purged(packages, tmp_path):
    place = tmp_path / "machine"
    place.mkdir()
    on_it = (
        "set -e; dpkg --install /packages/upsbridge_*.deb /packages/upsbridge-mibs_*.deb"
        " /packages/upsbridge-doc_*.deb;"
        " id upsbridge; stat --format '%U %G %a %n' /etc/upsbridge /var/lib/upsbridge;"
        " /packages/smoke && echo served;"
        " dpkg --remove upsbridge upsbridge-mibs upsbridge-doc;"
        " dpkg --purge upsbridge upsbridge-mibs upsbridge-doc")
    smoke = packages / "smoke"
    smoke.write_bytes((TOP / "contrib/debian/tests/smoke").read_bytes())
    smoke.chmod(0o755)
    if run("unshare", "-mn", "sh", "-c", 'mount -t tmpfs tmpfs "$0" && mkdir "$0/u" "$0/w" "$0/r" '
           '&& mount -t overlay overlay -o "lowerdir=/,upperdir=$0/u,workdir=$0/w" "$0/r"', place,
           check=False).returncode != 0:
        pytest.skip("no overlay can be mounted here")
    done = run("unshare", "-mn", "sh", "-c", ANOTHER_MACHINE, "machine", packages, place, on_it,
               check=False, timeout=300)
    assert done.returncode == 0, done.out + done.err
    assert re.search(r"^uid=\d+\(upsbridge\) .*\(nut\)", done.out, re.M), done.out
    assert "root upsbridge 750 /etc/upsbridge\n" in done.out
    assert "upsbridge upsbridge 750 /var/lib/upsbridge\n" in done.out
    assert "\nserved\n" in done.out
    # The user and the groups stay, as Debian's users do: their numbers must not come back.
    left = [path for path in re.findall(r"^left: (\S+)$", done.out, re.M)
            if not path.startswith(("/var/lib/dpkg/", "/var/cache/", "/var/log/"))]
    assert left, done.out
    users = {f"/etc/{name}{ending}" for name in ("passwd", "group", "shadow", "gshadow")
             for ending in ("", "-")}
    assert set(left) <= users | {"/etc/.pwd.lock"}, left


def test_all_packagings_are_of_this_version():
    for path, pattern in (("contrib/debian/changelog", r"^upsbridge \((.*)-\d+\)"),
                          ("contrib/rpm/upsbridge.spec", r"^Version: +(\S+)$"),
                          ("contrib/openwrt/Makefile", r"^PKG_VERSION:=(\S+)$")):
        assert re.search(pattern, (TOP / path).read_text(), re.M)[1] == VERSION, path
