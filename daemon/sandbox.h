/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: seccomp: from now on the kernel answers no system call but those that the daemon and its
 * libraries make.
 * Source: seccomp(2); the list is what libevent, net-snmp, libusb, libmodbus, OpenSSL, glibc's
 * resolver and threads call.
 */
#ifndef UPSBRIDGE_DAEMON_SANDBOX_H
#define UPSBRIDGE_DAEMON_SANDBOX_H

#include "core/settings.h"

#include <stdbool.h>

/*
 * Is there a sandbox in this build? There is none without libseccomp, nor with sanitizers, which
 * need calls of their own.
 */
bool sandbox_is_built(void);

/*
 * SANDBOX_ON: any other call fails with ENOSYS, as on a kernel too old to have it, and the kernel
 * logs it. Nothing is killed: to watch the power goes before. SANDBOX_LOG: it is carried out, and
 * logged. For all threads there are and will be, and for good; after all that needs rights. What
 * goes wrong is logged, and leaves no sandbox.
 */
void sandbox_enter(enum sandbox_mode mode);

#endif
