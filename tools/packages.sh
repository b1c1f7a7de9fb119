# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# Sourced by ./quickstart and ./run-tests: sees to it that Debian packages are installed.

# What building takes.
# shellcheck disable=SC2034 # used by those who source this
build_packages="gcc libc6-dev make autoconf automake pkg-config libevent-dev libsnmp-dev libssl-dev
    libcrypt-dev libwrap0-dev libusb-1.0-0-dev libmodbus-dev libseccomp-dev"

# missing_packages PACKAGE...: prints those that are not installed.
missing_packages() {
    for package; do
        case $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

# need_packages PACKAGE...: installs what is missing; without the right to, says how, and exits.
# Asks the network nothing when all is there.
need_packages() {
    if ! command -v dpkg-query >/dev/null; then
        echo "This is no Debian system: you need what these of its packages bring:"
        printf '  %s\n' "$*"
        return
    fi
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -eq 0 ]; then
        as_root=
    elif command -v sudo >/dev/null; then
        as_root=sudo
    else
        echo "Some Debian packages are missing. As root, please run:" >&2
        echo "  apt-get update && apt-get install --no-install-recommends $missing" >&2
        exit 1
    fi
    echo "installing $missing"
    packages_log=$(mktemp)
    # A list of packages that cannot be renewed may still do.
    $as_root apt-get update >"$packages_log" 2>&1 </dev/null || true
    # shellcheck disable=SC2086 # the words are packages
    if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y \
        --no-install-recommends $missing >>"$packages_log" 2>&1 </dev/null; then
        cat "$packages_log" >&2
        rm -f "$packages_log"
        echo "The packages could not be installed." >&2
        exit 1
    fi
    rm -f "$packages_log"
}
