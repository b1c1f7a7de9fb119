# SPDX-License-Identifier: BSD-2-Clause
# Unit tests (cmocka) run by `make check`; peer tests and benchmarks run against the built daemon.

unit_tests = \
	tests/unit/test_devfile \
	tests/unit/test_nutproto_answers \
	tests/unit/test_nutproto_commands \
	tests/unit/test_nutproto_peers \
	tests/unit/test_nutproto_server \
	tests/unit/test_nutproto_session \
	tests/unit/test_nutproto_tracking \
	tests/unit/test_registry \
	tests/unit/test_shaping \
	tests/unit/test_simulated \
	tests/unit/test_status \
	tests/unit/test_update \
	tests/unit/test_users \
	tests/unit/test_variables \
	tests/unit/test_words \
	tests/unit/test_worker

EXTRA_DIST += tests/unit tests/peers tests/fuzz tests/bench tests/data

if CMOCKA
check_PROGRAMS = $(unit_tests)
TESTS = $(unit_tests)
endif
