# SPDX-License-Identifier: BSD-2-Clause
# AX_PROG_C17: adds -std=gnu17 to CC, or stops.
AC_DEFUN([AX_PROG_C17], [
    AC_MSG_CHECKING([for C17])
    upsbridge_saved_cc=$CC
    CC="$CC -std=gnu17"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [[_Static_assert(__STDC_VERSION__ >= 201710L, "C17");]])],
        [AC_MSG_RESULT([yes])],
        [CC=$upsbridge_saved_cc
         AC_MSG_ERROR([a C17 compiler is needed])])
])
