/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the one way out for messages: stderr in the foreground, syslog in the background.
 *
 * Each call is one line, written whole, cut at 1022 bytes; it may come from any thread. Levels are syslog's. Messages
 * that NUT administrators already match in their logs keep NUT's wording (see nutproto/).
 */
#ifndef UPSBRIDGE_CORE_LOG_H
#define UPSBRIDGE_CORE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <syslog.h>

/* LOG_TO_BOTH is for the start in the background, while somebody may still be looking. */
enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_BOTH };

/*
 * Before log_open() messages go to stderr. name is kept by reference. May be called again to change
 * the target, while no other thread logs.
 */
void log_open(const char *name, enum log_target target);

/* 0: up to LOG_INFO. 1 and above: LOG_DEBUG too, more of it with each step. */
void log_set_debug(int debug);
bool log_debugging(int debug);

/* level is one of syslog's: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO. errno is preserved. */
void log_message(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_message_va(int level, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#define log_error(...) log_message(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_message(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_message(LOG_INFO, __VA_ARGS__)
#define log_debug(debug, ...)                    \
    do {                                         \
        if (log_debugging(debug))                \
            log_message(LOG_DEBUG, __VA_ARGS__); \
    } while (0)

#endif
