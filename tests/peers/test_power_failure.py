# SPDX-License-Identifier: BSD-2-Clause
"""The exercise of power_failure.py, once; `make exercise` does it a hundred times."""

import pytest

from power_failure import Exercise

pytestmark = pytest.mark.peers("upsmon")


def test_fifty_hosts_are_shut_down_once_and_none_early(stage):
    exercise = Exercise(stage.binary, stage.directory, seed=3, secondaries=50)
    stage.add(exercise, *exercise.programs())
    exercise.start()
    exercise.round()
