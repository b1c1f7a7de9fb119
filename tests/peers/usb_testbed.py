# SPDX-License-Identifier: BSD-2-Clause
"""
USB UPSes for the peer tests: tests/sim/usb_testbed emulates them below the real libusb, and
programs that are started through it see them.
"""

import os
import re
import subprocess
from pathlib import Path

from harness import DATA, Program

RECORDINGS = DATA / "hid"


def find_testbed(binary):
    """The testbed of the build that the binary is of; None if it was not built."""
    path = Path(binary).parent / "tests" / "sim" / "usb_testbed"
    return str(path) if path.is_file() else None


class UsbTestbed:
    """The emulated devices, commanded through a pipe. devices: name="recording,option,..." """

    def __init__(self, program, directory, **devices):
        self.log_path = Path(directory) / "usb_testbed.log"
        self.name = "usb_testbed"
        words = [f"{name}={RECORDINGS}/{text}" for name, text in devices.items()]
        # The names of its sockets must fit into 107 bytes.
        self.process = subprocess.Popen(
            ["umockdev-wrapper", program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=open(self.log_path, "wb"), text=True, env={**os.environ, "TMPDIR": "/tmp"})
        first = self.process.stdout.readline()
        assert first.startswith("ROOT "), f"usb_testbed says {first!r}: {self.log()}"
        self.root = first.split()[1]

    def log(self):
        return self.log_path.read_text(errors="replace")

    def ask(self, command):
        """Gives a command; returns what stands behind OK."""
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer.startswith("OK"), f"{command}: {answer!r} {self.log()}"
        return answer[2:].strip()

    def counts(self, name):
        pairs = (pair.split("=") for pair in self.ask(f"COUNTS {name}").split())
        return {key: int(value) for key, value in pairs}

    def writes(self, name):
        """The reports written since the last call: ["F 15 15 14 00", ...]."""
        return [write for write in self.ask(f"WRITES {name}").split(";") if write]

    def environment(self):
        # The preloaded library comes before a sanitizer's, which is not to hoard what was freed.
        options = [os.environ.get("ASAN_OPTIONS", ""), "verify_asan_link_order=0",
                   "quarantine_size_mb=1", "thread_local_quarantine_size_kb=64"]
        return {"UMOCKDEV_DIR": self.root, "ASAN_OPTIONS": ":".join(filter(None, options))}

    def open_to_all(self):
        """Lets programs in that are not root; umockdev's directories are root's."""
        for folder, _, files in os.walk(self.root):
            os.chmod(folder, 0o777)
            for name in files:
                path = os.path.join(folder, name)
                if not os.path.islink(path) and not path.startswith(f"{self.root}/dev/"):
                    os.chmod(path, 0o666)

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            status = self.process.wait(20)
            assert status == 0, f"usb_testbed ended with {status}: {self.log()}"
        self.process.stdout.close()


class UsbUps:
    """A section of ups.conf; may stand where harness.Device does."""

    readings = ""  # that come from the device, and no file

    def __init__(self, name, driver="usbhid-ups", port="auto", **options):
        self.name, self.driver, self.port, self.options = name, driver, port, options

    def place(self, directory):
        """It has no file."""

    def section(self):
        lines = [f"[{self.name}]", f"\tdriver = {self.driver}", f"\tport = {self.port}"]
        for key, value in self.options.items():
            key = key.replace("__", ".")
            lines.append(f"\t{key}" if value is True else f'\t{key} = "{value}"')
        return "\n".join(lines) + "\n\n"


def under_testbed(program, testbed):
    """Has a program (harness.Program), or upsbridged, see the testbed's devices."""
    assert isinstance(program, Program)
    program.command = ["umockdev-wrapper", *program.command]
    program.env.update(testbed.environment())


def recorded(name):
    """What device.txt says."""
    text = (RECORDINGS / name / "device.txt").read_text()
    return dict(re.findall(r"^(\w+): (.*)$", text, re.M))
