#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The arrows of the architecture, by what each file includes: core knows nobody, drivers, modbus and
# the faces know core (drivers modbus too), the daemon knows all and is known by none.
# With an argument: the tree to look at instead of the source tree.
set -u

# C library headers that core may include beside libevent's; a new one is named here on purpose.
libc="assert ctype errno fcntl float inttypes limits math poll pthread signal stdarg stdatomic
stdbool stddef stdint stdio stdlib string strings syslog time unistd arpa/inet sys/eventfd sys/inotify
sys/random sys/socket sys/stat sys/time sys/types"

# bad_lines TREE FOLDER PATTERN: what files in FOLDER include in quotes and PATTERN does not allow.
bad_lines() {
    (cd "$1" && find "$2" -name '*.[ch]' -exec \
        grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' {} + | grep -vE "\"($3)\"")
}

# The same for core's system headers.
bad_system_lines() {
    (cd "$1" && find core -name '*.[ch]' -exec \
        grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*<' {} + |
        grep -vE "<(($(printf '%s|' $libc)config)\\.h|event2/[a-z_]+\\.h)>")
}

# Prints every line that breaks the rules.
violations() {
    for rule in 'core:core/.*' \
        'drivers:(core|drivers|modbus)/.*' \
        'modbus:(core|modbus)/.*' \
        'agent:(core|agent)/.*' \
        'nutproto:(core|nutproto)/.*' \
        'daemon:(core|drivers|modbus|agent|nutproto|daemon)/.*'; do
        folder=${rule%%:*}
        if [ -d "$1/$folder" ]; then
            bad_lines "$1" "$folder" "${rule#*:}"
        fi
    done
    bad_system_lines "$1"
}

# expect TREE FOLDER INCLUDE yes|no: would a file in FOLDER with this include be found?
expect() {
    file="$1/$2/probe.c"
    printf '#include %s\n' "$3" >"$file"
    found=no
    [ -n "$(violations "$1")" ] && found=yes
    rm -f "$file"
    if [ "$found" != "$4" ]; then
        echo "the test itself is wrong: #include $3 in $2/ found: $found"
        exit 1
    fi
}

self_test() {
    tree=$(mktemp -d) || exit 1
    trap 'rm -rf "$tree"' EXIT
    (cd "$tree" && mkdir core drivers modbus agent nutproto daemon)
    expect "$tree" core '"core/ups.h"' no
    expect "$tree" core '<event2/event.h>' no
    expect "$tree" core '<config.h>' no
    expect "$tree" core '<string.h>' no
    expect "$tree" core '<sys/stat.h>' no
    expect "$tree" core '"drivers/driver.h"' yes
    expect "$tree" core '"nutproto/users.h"' yes
    expect "$tree" core '"ups.h"' yes
    expect "$tree" core '<openssl/ssl.h>' yes
    expect "$tree" core '<net-snmp/net-snmp-config.h>' yes
    expect "$tree" core '<modbus.h>' yes
    expect "$tree" drivers '"modbus/map.h"' no
    expect "$tree" drivers '"core/update.h"' no
    expect "$tree" drivers '"agent/agent.h"' yes
    expect "$tree" drivers '"nutproto/server.h"' yes
    expect "$tree" modbus '"drivers/driver.h"' yes
    expect "$tree" agent '"nutproto/users.h"' yes
    expect "$tree" agent '"drivers/worker.h"' yes
    expect "$tree" nutproto '"agent/agent.h"' yes
    expect "$tree" nutproto '"drivers/worker.h"' yes
    expect "$tree" nutproto '"daemon/bridge.h"' yes
    expect "$tree" daemon '"nutproto/server.h"' no
    expect "$tree" daemon '"tests/unit/unit.h"' yes
}

self_test
source_tree=${1:-${srcdir:-.}}
if [ ! -f "$source_tree/core/ups.h" ]; then
    echo "$source_tree is not the source tree"
    exit 1
fi
lines=$(violations "$source_tree")
if [ -n "$lines" ]; then
    echo "These includes go against the architecture:"
    echo "$lines"
    exit 1
fi
