/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/library.h"

#include "agent/netsnmp.h"
#include "core/log.h"
#include "core/loop.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Anybody who can send a datagram can make the library complain. */
#define MESSAGES_MAX 50
#define MESSAGES_WINDOW_MS 10000

/* net-snmp is global, so its state here is too. */
static struct {
    unsigned complaints;
    uint64_t messages_since; /* clock_ms() when the present window began */
    unsigned messages;       /* in it */
} library;

static void tell(int priority, const char *text)
{
    uint64_t now = clock_ms();

    if (now - library.messages_since > MESSAGES_WINDOW_MS) {
        library.messages_since = now;
        library.messages = 0;
    }
    if (++library.messages > MESSAGES_MAX)
        return;
    log_message(priority, "net-snmp: %.*s", (int)strcspn(text, "\n"), text);
    if (library.messages == MESSAGES_MAX)
        log_notice("More messages of net-snmp are left out for up to %d seconds",
                   MESSAGES_WINDOW_MS / 1000);
}

static int on_message(int major, int minor, void *argument, void *magic)
{
    const struct snmp_log_message *message = argument;

    (void)major;
    (void)minor;
    (void)magic;
    if (message->priority <= LOG_WARNING)
        library.complaints++;
    if (message->priority == LOG_DEBUG)
        log_debug(2, "net-snmp: %.*s", (int)strcspn(message->msg, "\n"), message->msg);
    else
        tell(message->priority, message->msg);
    return SNMP_ERR_NOERROR;
}

void library_begin(const char *configuration_directory, const char *persistent_directory)
{
    setenv("MIBS", "", 1);
    setenv("MIBDIRS", "", 1);
    snmp_disable_log();
    netsnmp_register_loghandler(NETSNMP_LOGHANDLER_CALLBACK, LOG_DEBUG);
    snmp_register_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, on_message, NULL);
    if (configuration_directory != NULL) {
        /* With SNMPCONFPATH set the library would not read what it has stored itself. */
        unsetenv("SNMPCONFPATH");
        unsetenv("SNMP_PERSISTENT_FILE");
        set_configuration_directory(configuration_directory);
        set_persistent_directory(persistent_directory);
        return;
    }
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
}

unsigned library_complaints(void)
{
    return library.complaints;
}

void library_end(void)
{
    snmp_unregister_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, on_message, NULL, 1);
    snmp_disable_log();
}
