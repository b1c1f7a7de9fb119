/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "daemon/options.h"

#include "daemon/sandbox.h"
#include "drivers/registry.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEMO = 256,
    CHECK_MAP,
    DUMP,
    SCAN,
    UDEV_RULES,
    DRIVERS,
    MAKE_CERTIFICATE,
    MAKE_AUTHORITY,
    SIGN_WITH,
    HASH_PASSWORD,
    PROBE_MODBUS,
    UNITS
};

/* As NUT's packages name it. */
#define UDEV_GROUP "nut"

static const struct option long_options[] = {
    { "confdir", required_argument, NULL, 'c' },
    { "debug", no_argument, NULL, 'D' },
    { "foreground", no_argument, NULL, 'F' },
    { "help", no_argument, NULL, 'h' },
    { "pidfile", required_argument, NULL, 'P' },
    { "chroot", required_argument, NULL, 'r' },
    { "test", no_argument, NULL, 't' },
    { "user", required_argument, NULL, 'u' },
    { "version", no_argument, NULL, 'V' },
    { "check-map", required_argument, NULL, CHECK_MAP },
    { "demo", no_argument, NULL, DEMO },
    { "drivers", no_argument, NULL, DRIVERS },
    { "dump", required_argument, NULL, DUMP },
    { "probe-modbus", required_argument, NULL, PROBE_MODBUS },
    { "scan", no_argument, NULL, SCAN },
    { "udev-rules", optional_argument, NULL, UDEV_RULES },
    { "make-certificate", required_argument, NULL, MAKE_CERTIFICATE },
    { "make-authority", required_argument, NULL, MAKE_AUTHORITY },
    { "units", required_argument, NULL, UNITS },
    { "sign-with", required_argument, NULL, SIGN_WITH },
    { "hash-password", no_argument, NULL, HASH_PASSWORD },
    { NULL, 0, NULL, 0 },
};

static void print_help(void)
{
    printf("usage: upsbridged [options]\n"
           "Serves locally attached UPSes to SNMP (UPS-MIB) and to NUT clients.\n\n"
           "  -c, --confdir DIR   read ups.conf, upsd.conf, upsd.users and upsbridge.conf in DIR\n"
           "                      (%s, else /etc/nut)\n"
           "  -t, --test          check the configuration and exit: 0 if it is right, else 1\n"
           "  -F, --foreground    do not go to the background; log to stderr\n"
           "  -D, --debug         say more, and stay in the foreground; repeat for still more\n"
           "  -u, --user NAME     as root: open ports, then run as NAME\n"
           "  -r, --chroot DIR    as root: live in DIR, the configuration is inside\n"
           "  -P, --pidfile FILE  write the process id there (%s)\n"
           "      --demo          two recorded UPSes, no configuration needed\n"
           "      --check-map MAP  check a Modbus register map, and show what it reads\n"
           "      --dump FILE     with --check-map: decode these registers\n"
           "      --probe-modbus PORT\n"
           "                      find the units on a Modbus line or at a TCP address, with a\n"
           "                      section for ups.conf each\n"
           "      --units FIRST-LAST\n"
           "                      with --probe-modbus: look for these only (1-247)\n"
           "      --scan [PORT...]\n"
           "                      list the attached USB UPSes, and those on these serial lines,\n"
           "                      with a section for ups.conf each\n"
           "      --drivers       list the drivers of this build and their options\n"
           "      --udev-rules[=GROUP]\n"
           "                      print udev rules that give GROUP access to USB UPSes (%s)\n"
           "      --make-certificate FILE [NAME...]\n"
           "                      make a key and a certificate for TLS, valid for these hosts\n"
           "      --make-authority FILE [NAME]\n"
           "                      make a key and a certificate that signs others\n"
           "      --sign-with FILE\n"
           "                      have --make-certificate's certificate signed by that authority\n"
           "      --hash-password read a password and print the hash of it for upsd.users\n"
           "  -V, --version       say the version and what is built in\n"
           "  -h, --help          say this\n",
           CONF_PATH, PID_FILE, UDEV_GROUP);
}

static void print_version(void)
{
    printf("upsbridged %s\nfaces: NUT%s\nTLS:%s\ndrivers:", PACKAGE_VERSION,
#ifdef HAVE_NETSNMP
           " SNMP",
#else
           " (SNMP: built --without-netsnmp)",
#endif
#if defined HAVE_NSS
           " OpenSSL, databases of NSS"
#elif defined HAVE_OPENSSL
           " OpenSSL (databases of NSS: built --without-nss)"
#else
           " none (built --without-openssl)"
#endif
    );
    for (const struct driver *const *driver = driver_table(); *driver != NULL; driver++) {
        printf(" %s", (*driver)->name);
        for (const char *const *other = (*driver)->answers_to; other && *other; other++)
            printf(" (%s)", *other);
    }
    printf("\nsandbox: %s\n", sandbox_is_built() ? "seccomp" : "none");
}

/* Nothing that would end a rule's quotes. */
static bool is_group_name(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789_.-") == length;
}

/* Of the options that make certificates: do they go together? */
static bool check_making(const struct options *options)
{
    const char *wrong = NULL;

    if (options->make_certificate != NULL && options->make_authority != NULL)
        wrong = "--make-certificate and --make-authority exclude each other";
    else if (options->sign_with != NULL && options->make_certificate == NULL)
        wrong = "--sign-with goes with --make-certificate alone";
    if (wrong != NULL)
        fprintf(stderr, "upsbridged: %s\n", wrong);
    return wrong == NULL;
}

int options_parse(struct options *options, int argc, char **argv)
{
    int letter;

    *options = (struct options){ .pid_file = PID_FILE };
    while ((letter = getopt_long(argc, argv, "c:DFhP:r:tu:V", long_options, NULL)) != -1) {
        switch (letter) {
        case 'c':
            options->directory = optarg;
            break;
        case 'D':
            options->debug++;
            options->foreground = true;
            break;
        case 'F':
            options->foreground = true;
            break;
        case 'P':
            options->pid_file = optarg;
            break;
        case 'r':
            options->jail = optarg;
            break;
        case 't':
            options->test = true;
            break;
        case 'u':
            options->user = optarg;
            break;
        case DEMO:
            options->demo = true;
            options->foreground = true;
            break;
        case HASH_PASSWORD:
            options->hash_password = true;
            break;
        case SCAN:
            options->scan = true;
            break;
        case DRIVERS:
            options->drivers = true;
            break;
        case CHECK_MAP:
            options->check_map = optarg;
            break;
        case PROBE_MODBUS:
            options->probe_modbus = optarg;
            break;
        case UNITS:
            options->units = optarg;
            break;
        case DUMP:
            options->dump = optarg;
            break;
        case UDEV_RULES:
            options->udev_group = optarg == NULL ? UDEV_GROUP : optarg;
            break;
        case MAKE_CERTIFICATE:
            options->make_certificate = optarg;
            break;
        case MAKE_AUTHORITY:
            options->make_authority = optarg;
            break;
        case SIGN_WITH:
            options->sign_with = optarg;
            break;
        case 'h':
            print_help();
            return EXIT_SUCCESS;
        case 'V':
            print_version();
            return EXIT_SUCCESS;
        default:
            fprintf(stderr, "upsbridged --help lists the options\n");
            return EXIT_FAILURE;
        }
    }
    if (options->udev_group != NULL && !is_group_name(options->udev_group)) {
        fprintf(stderr, "upsbridged: '%s' cannot be the name of a group\n", options->udev_group);
        return EXIT_FAILURE;
    }
    if (options->demo && options->jail != NULL) {
        fprintf(stderr, "upsbridged: --demo lives in no jail: leave -r out\n");
        return EXIT_FAILURE;
    }
    if (options->units != NULL && options->probe_modbus == NULL) {
        fprintf(stderr, "upsbridged: --units needs --probe-modbus\n");
        return EXIT_FAILURE;
    }
    if (options->dump != NULL && options->check_map == NULL) {
        fprintf(stderr, "upsbridged: --dump needs --check-map\n");
        return EXIT_FAILURE;
    }
    if (!check_making(options))
        return EXIT_FAILURE;
    if (options->make_certificate != NULL || options->make_authority != NULL || options->scan) {
        options->names = argv + optind;
        options->name_count = (size_t)(argc - optind);
    } else if (optind < argc) {
        fprintf(stderr, "upsbridged: '%s' is not an option\n", argv[optind]);
        return EXIT_FAILURE;
    }
    return -1;
}
