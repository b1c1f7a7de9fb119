/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what every unit test includes before cmocka.
 */
#ifndef UPSBRIDGE_TESTS_UNIT_H
#define UPSBRIDGE_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
