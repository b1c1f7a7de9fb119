# SPDX-License-Identifier: BSD-2-Clause
"""Has the build folder of the binary under test make an archive of the sources."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest


def make_release(binary, folder, *words, env=None):
    """`make` words (dist, or what stands on it); what came of it moves to folder."""
    build = Path(binary).parent
    if not (build / "Makefile").exists():
        pytest.skip("the binary under test is not in a build folder")
    # Another process of these tests may be at it in the same folder.
    with open(build / "release-test.lock", "w", encoding="ascii") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        done = subprocess.run(["make", "-C", build, *words], check=False, capture_output=True,
                              timeout=300, env={**os.environ, "XZ_OPT": "-0", **(env or {})})
        for path in build.glob("upsbridge-*.tar.xz*"):
            shutil.move(path, folder / path.name)
    assert done.returncode == 0, done.stderr.decode()
    return folder
