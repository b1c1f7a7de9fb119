/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: net-snmp's library made fit for this process: its messages go to our log, it loads no
 * MIBs, and looks for files nowhere but where it is told.
 */
#ifndef UPSBRIDGE_AGENT_LIBRARY_H
#define UPSBRIDGE_AGENT_LIBRARY_H

/*
 * Before any other use of net-snmp, once a process, before there are threads. NULL for both: no
 * file is read or written at all.
 */
void library_begin(const char *configuration_directory, const char *persistent_directory);

/* Complaints the library has logged since the start: warnings and errors. */
unsigned library_complaints(void);

/* Stops the redirection of messages. */
void library_end(void);

#endif
