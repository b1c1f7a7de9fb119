# SPDX-License-Identifier: BSD-2-Clause
# Unit tests (cmocka) run by `make check`; peer tests and benchmarks run against the built daemon.

noinst_PROGRAMS =

unit_tests = \
	tests/unit/test_apcsmart_answer \
	tests/unit/test_apply \
	tests/unit/test_certificates \
	tests/unit/test_config \
	tests/unit/test_contact_types \
	tests/unit/test_crew \
	tests/unit/test_devfile \
	tests/unit/test_hid_descriptor \
	tests/unit/test_hid_device \
	tests/unit/test_hid_families \
	tests/unit/test_hid_makers \
	tests/unit/test_hid_orders \
	tests/unit/test_hid_readings \
	tests/unit/test_hid_recordings \
	tests/unit/test_hid_reports \
	tests/unit/test_hid_status \
	tests/unit/test_hid_trust \
	tests/unit/test_hid_usages \
	tests/unit/test_hid_value \
	tests/unit/test_keyed_hash \
	tests/unit/test_log \
	tests/unit/test_loop \
	tests/unit/test_megatec \
	tests/unit/test_megatec_bridge \
	tests/unit/test_networks \
	tests/unit/test_modbus_map \
	tests/unit/test_modbus_maps \
	tests/unit/test_modbus_orders \
	tests/unit/test_modbus_served \
	tests/unit/test_modbus_server \
	tests/unit/test_nutproto_answers \
	tests/unit/test_nutproto_attempts \
	tests/unit/test_nutproto_authority \
	tests/unit/test_nutproto_commands \
	tests/unit/test_nutproto_credentials \
	tests/unit/test_nutproto_parking \
	tests/unit/test_nutproto_peers \
	tests/unit/test_nutproto_server \
	tests/unit/test_nutproto_session \
	tests/unit/test_nutproto_tracking \
	tests/unit/test_options \
	tests/unit/test_pool \
	tests/unit/test_registry \
	tests/unit/test_sandbox \
	tests/unit/test_scan \
	tests/unit/test_serial_port \
	tests/unit/test_settings \
	tests/unit/test_shaping \
	tests/unit/test_shut_frame \
	tests/unit/test_simulated \
	tests/unit/test_status \
	tests/unit/test_update \
	tests/unit/test_ups \
	tests/unit/test_users \
	tests/unit/test_variables \
	tests/unit/test_words \
	tests/unit/test_worker

if LIBMODBUS
unit_tests += tests/unit/test_modbus_bus tests/unit/test_modbus_library \
	tests/unit/test_modbus_turns
endif

if LIBUSB
unit_tests += tests/unit/test_usb_match
endif

if OPENSSL
unit_tests += tests/unit/test_nutproto_tls tests/unit/test_tls_context
endif

if NETSNMP
unit_tests += \
	tests/unit/test_agent_answer \
	tests/unit/test_agent_conditions \
	tests/unit/test_agent_contents \
	tests/unit/test_agent_kept \
	tests/unit/test_agent_monitor \
	tests/unit/test_agent_set \
	tests/unit/test_agent_subtree \
	tests/unit/test_agent_sink_address \
	tests/unit/test_agent_traps \
	tests/unit/test_agent_upsmib \
	tests/unit/test_agent_agentx
endif

# Each tests/fuzz/fuzz_NAME.c with its corpus in tests/fuzz/corpus/NAME.
fuzz_names = apcsmart_answer config devfile hid_descriptor hid_device hid_report \
	megatec_answer modbus_decode \
	modbus_frames modbus_map modbus_server modbus_session networks \
	nut_session nutdriver shut_frame users words

fuzz_replays = \
	tests/fuzz/replay_apcsmart_answer \
	tests/fuzz/replay_config \
	tests/fuzz/replay_devfile \
	tests/fuzz/replay_hid_descriptor \
	tests/fuzz/replay_hid_device \
	tests/fuzz/replay_hid_report \
	tests/fuzz/replay_megatec_answer \
	tests/fuzz/replay_modbus_decode \
	tests/fuzz/replay_modbus_frames \
	tests/fuzz/replay_modbus_map \
	tests/fuzz/replay_modbus_server \
	tests/fuzz/replay_modbus_session \
	tests/fuzz/replay_networks \
	tests/fuzz/replay_nut_session \
	tests/fuzz/replay_nutdriver \
	tests/fuzz/replay_shut_frame \
	tests/fuzz/replay_users \
	tests/fuzz/replay_words

# What needs net-snmp.
if NETSNMP
fuzz_names += agent_set
fuzz_replays += tests/fuzz/replay_agent_set
endif
tests_fuzz_replay_agent_set_SOURCES = tests/fuzz/fuzz_agent_set.c tests/fuzz/replay.c

if OPENSSL
fuzz_names += tls_files
fuzz_replays += tests/fuzz/replay_tls_files
endif

tests_fuzz_replay_apcsmart_answer_SOURCES = tests/fuzz/fuzz_apcsmart_answer.c \
	tests/fuzz/replay.c
tests_fuzz_replay_config_SOURCES = tests/fuzz/fuzz_config.c tests/fuzz/replay.c
tests_fuzz_replay_devfile_SOURCES = tests/fuzz/fuzz_devfile.c tests/fuzz/replay.c
tests_fuzz_replay_hid_descriptor_SOURCES = tests/fuzz/fuzz_hid_descriptor.c tests/fuzz/replay.c
tests_fuzz_replay_hid_device_SOURCES = tests/fuzz/fuzz_hid_device.c tests/fuzz/replay.c
tests_fuzz_replay_hid_report_SOURCES = tests/fuzz/fuzz_hid_report.c tests/fuzz/replay.c
tests_fuzz_replay_megatec_answer_SOURCES = tests/fuzz/fuzz_megatec_answer.c tests/fuzz/replay.c
tests_fuzz_replay_modbus_decode_SOURCES = tests/fuzz/fuzz_modbus_decode.c tests/fuzz/replay.c
tests_fuzz_replay_modbus_frames_SOURCES = tests/fuzz/fuzz_modbus_frames.c tests/fuzz/replay.c
tests_fuzz_replay_modbus_map_SOURCES = tests/fuzz/fuzz_modbus_map.c tests/fuzz/replay.c
tests_fuzz_replay_modbus_server_SOURCES = tests/fuzz/fuzz_modbus_server.c tests/fuzz/replay.c
tests_fuzz_replay_modbus_session_SOURCES = tests/fuzz/fuzz_modbus_session.c tests/fuzz/replay.c
tests_fuzz_replay_networks_SOURCES = tests/fuzz/fuzz_networks.c tests/fuzz/replay.c
tests_fuzz_replay_nutdriver_SOURCES = tests/fuzz/fuzz_nutdriver.c tests/fuzz/replay.c
tests_fuzz_replay_nut_session_SOURCES = tests/fuzz/fuzz_nut_session.c tests/fuzz/replay.c
tests_fuzz_replay_tls_files_SOURCES = tests/fuzz/fuzz_tls_files.c tests/fuzz/replay.c
tests_fuzz_replay_shut_frame_SOURCES = tests/fuzz/fuzz_shut_frame.c tests/fuzz/replay.c
tests_fuzz_replay_users_SOURCES = tests/fuzz/fuzz_users.c tests/fuzz/replay.c
tests_fuzz_replay_words_SOURCES = tests/fuzz/fuzz_words.c tests/fuzz/replay.c

tests_unit_test_scan_SOURCES = tests/unit/test_scan.c daemon/scan.c daemon/scan.h
tests_unit_test_tls_context_SOURCES = tests/unit/test_tls_context.c \
	daemon/make_certificate.c daemon/make_certificate.h
tests_unit_test_options_SOURCES = tests/unit/test_options.c daemon/options.c daemon/options.h \
	daemon/sandbox.c daemon/sandbox.h
tests_unit_test_options_LDADD = $(LDADD) $(LIBSECCOMP_LIBS)
tests_unit_test_sandbox_SOURCES = tests/unit/test_sandbox.c daemon/sandbox.c daemon/sandbox.h
tests_unit_test_sandbox_LDADD = $(LDADD) $(LIBSECCOMP_LIBS)

noinst_HEADERS = \
	tests/unit/device.h \
	tests/unit/hid_fake.h \
	tests/unit/hid_recording.h \
	tests/unit/modbus_fake.h \
	tests/unit/modbus_map.h \
	tests/fuzz/demand.h \
	tests/unit/nutproto_fixture.h \
	tests/unit/served.h \
	tests/unit/tls_peer.h \
	tests/unit/unit.h

# These are distributed whole, but for what running them left behind.
dist_trees = tests/data tests/fuzz/corpus tests/peers tests/sim
dist-hook:
	for tree in $(dist_trees); do \
		test -d "$(srcdir)/$$tree" || continue; \
		(cd "$(srcdir)" && find "$$tree" -type f ! -name '*.pyc' ! -path '*/.pytest_cache/*' \
			-print0 | tar -cf - --null -T -) | (cd "$(distdir)" && tar -xf -) || exit 1; \
	done

check_PROGRAMS = $(fuzz_replays)
dist_check_SCRIPTS = tests/lint-manuals tests/unit/test_includes.sh tests/unit/test_udev_rules.sh
TESTS = $(fuzz_replays) $(dist_check_SCRIPTS)
if CMOCKA
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif

# Emulates USB UPSes for the peer tests, which skip without it.
if UMOCKDEV
noinst_PROGRAMS += tests/sim/usb_testbed
endif
tests_sim_usb_testbed_SOURCES = \
	tests/sim/usb_emulation.c tests/sim/usb_emulation.h \
	tests/sim/usb_model.c tests/sim/usb_model.h \
	tests/sim/usb_testbed.c
tests_sim_usb_testbed_CPPFLAGS = $(AM_CPPFLAGS) $(UMOCKDEV_CFLAGS)
# No sanitizers: a preloaded library would come before theirs, and it is not what is tested.
tests_sim_usb_testbed_CFLAGS = $(UPSBRIDGE_CFLAGS)
tests_sim_usb_testbed_LDFLAGS =
tests_sim_usb_testbed_LDADD = $(UMOCKDEV_LIBS)

if FUZZING
noinst_PROGRAMS += \
	tests/fuzz/fuzz_config \
	tests/fuzz/fuzz_devfile \
	tests/fuzz/fuzz_hid_descriptor \
	tests/fuzz/fuzz_hid_device \
	tests/fuzz/fuzz_hid_report \
	tests/fuzz/fuzz_modbus_decode \
	tests/fuzz/fuzz_modbus_frames \
	tests/fuzz/fuzz_modbus_map \
	tests/fuzz/fuzz_modbus_server \
	tests/fuzz/fuzz_modbus_session \
	tests/fuzz/fuzz_networks \
	tests/fuzz/fuzz_nut_session \
	tests/fuzz/fuzz_nutdriver \
	tests/fuzz/fuzz_users \
	tests/fuzz/fuzz_words
if OPENSSL
noinst_PROGRAMS += tests/fuzz/fuzz_tls_files
endif

if NETSNMP
noinst_PROGRAMS += tests/fuzz/fuzz_agent_set
endif

tests_fuzz_fuzz_config_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_devfile_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_hid_descriptor_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_hid_device_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_hid_report_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_modbus_decode_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_modbus_frames_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_modbus_map_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_modbus_server_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_modbus_session_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_networks_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_nut_session_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_nutdriver_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_tls_files_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_agent_set_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_users_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_words_LDFLAGS = $(FUZZ_FLAGS)

# Every input of the corpora, then a bounded search from there. Findings stay in the build tree.
FUZZ_RUNS = 20000
fuzz-check: $(fuzz_names:%=tests/fuzz/fuzz_%)
	@for name in $(fuzz_names); do \
		echo "fuzz_$$name: $(FUZZ_RUNS) runs"; \
		rm -rf tests/fuzz/new/$$name && $(MKDIR_P) tests/fuzz/new/$$name || exit 1; \
		tests/fuzz/fuzz_$$name -runs=$(FUZZ_RUNS) -max_len=4096 -timeout=20 -verbosity=0 \
			-print_final_stats=0 -artifact_prefix=tests/fuzz/finding-$$name- \
			tests/fuzz/new/$$name $(srcdir)/tests/fuzz/corpus/$$name \
			>tests/fuzz/$$name.out 2>&1 || { tail -n 60 tests/fuzz/$$name.out; exit 1; }; \
	done
clean-local:
	rm -rf tests/fuzz/new
	rm -f tests/fuzz/*.out tests/fuzz/finding-*
else
fuzz-check:
	@echo "make fuzz-check needs ./configure --enable-fuzzing CC=clang"; exit 1
endif
.PHONY: fuzz-check

# Benchmarks: built and run by `make bench` alone. BENCH_FLAGS: see tests/bench/run --help.
bench_programs = tests/bench/echo_server tests/bench/modbus_units tests/bench/nut_load
if NETSNMP
bench_programs += tests/bench/snmp_load tests/bench/stock_agent
endif
if OPENSSL
bench_programs += tests/bench/tls_load tests/bench/tls_server
endif
EXTRA_PROGRAMS = tests/bench/echo_server tests/bench/modbus_units tests/bench/nut_load \
	tests/bench/snmp_load tests/bench/stock_agent tests/bench/tls_load tests/bench/tls_server
EXTRA_DIST += tests/bench/run tests/bench/results.md tests/bench/modbus_bus_rows.py \
	tests/bench/modbus_rows.py tests/bench/serial_rows.py tests/bench/tls_rows.py \
	tests/bench/trap_rows.py tests/bench/usb_rows.py
CLEANFILES += $(EXTRA_PROGRAMS)

bench_common = tests/bench/bench.c tests/bench/bench.h
tests_bench_echo_server_SOURCES = tests/bench/echo_server.c $(bench_common)
tests_bench_echo_server_LDADD =
tests_bench_modbus_units_SOURCES = tests/bench/modbus_units.c $(bench_common)
tests_bench_modbus_units_LDADD = $(bridge_libs)
tests_bench_nut_load_SOURCES = tests/bench/nut_load.c $(bench_common)
tests_bench_nut_load_LDADD =
tests_bench_snmp_load_SOURCES = tests/bench/snmp_load.c $(bench_common)
tests_bench_snmp_load_LDADD =
tests_bench_stock_agent_SOURCES = tests/bench/stock_agent.c $(bench_common)
tests_bench_stock_agent_LDADD = $(NETSNMP_LIBS)
tests_bench_tls_load_SOURCES = tests/bench/tls_load.c $(bench_common)
tests_bench_tls_load_LDADD = $(OPENSSL_LIBS)
tests_bench_tls_server_SOURCES = tests/bench/tls_server.c $(bench_common)
tests_bench_tls_server_LDADD = $(OPENSSL_LIBS)

BENCH_FLAGS =
bench: upsbridged $(bench_programs)
	$(srcdir)/tests/bench/run --build . $(BENCH_FLAGS)
.PHONY: bench

# Long runs, for a night rather than for each change. SOAK_FLAGS: see tests/soak --help;
# EXERCISE_FLAGS: see tests/peers/power_failure.py --help.
SOAK_FLAGS = --minutes 10
EXERCISE_FLAGS = --rounds 100
EXTRA_DIST += tests/soak
soak: upsbridged
	$(srcdir)/tests/soak $(SOAK_FLAGS) ./upsbridged
exercise: upsbridged
	/usr/bin/python3 $(srcdir)/tests/peers/power_failure.py $(EXERCISE_FLAGS) ./upsbridged
nightly: soak exercise
.PHONY: soak exercise nightly
