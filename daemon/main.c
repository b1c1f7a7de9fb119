/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upsbridged: from the command line to the running main loop, and back out.
 */
#include <config.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/settings.h"
#include "daemon/activation.h"
#include "daemon/bridge.h"
#include "daemon/check_map.h"
#include "daemon/demo.h"
#include "daemon/hash_password.h"
#include "daemon/jail.h"
#include "daemon/list_drivers.h"
#include "daemon/make_certificate.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/permissions.h"
#include "daemon/privileges.h"
#include "daemon/probe_modbus.h"
#include "daemon/process.h"
#include "daemon/sandbox.h"
#include "daemon/scan.h"
#include "daemon/scan_serial.h"
#include "nutproto/listeners.h"
#include "nutproto/tls_context.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NUT_CONF_PATH "/etc/nut"

struct daemon {
    struct options options;
    /* Absolute, as the daemon changes to / : */
    char directory[PATH_MAX];
    char pid_file[PATH_MAX];
    char jail[PATH_MAX];        /* "": none */
    struct identity *identity;  /* who to become; NULL: not known yet, or nobody else */
    struct inherited inherited; /* sockets of the service manager */
    struct notifier *notifier;  /* NULL: no service manager */
    struct loop *loop;
    struct bridge *bridge;
    int ready_descriptor; /* -1: in the foreground */
    int pid_descriptor;   /* -1: no pid file */
};

/* -u, else what ups.conf says, else what was built in; NULL: stay who we are. */
static const char *wanted_user(const struct daemon *daemon, const char *configured)
{
    if (daemon->options.user != NULL)
        return daemon->options.user;
    if (configured != NULL)
        return configured;
    return RUN_AS_USER[0] == '\0' ? NULL : RUN_AS_USER;
}

/* As it is named below root. */
static const char *wanted_directory(const struct daemon *daemon, const char *root)
{
    char path[PATH_MAX + sizeof CONF_PATH "/ups.conf"];

    if (daemon->options.directory != NULL)
        return daemon->options.directory;
    snprintf(path, sizeof path, "%s%s/ups.conf", root, CONF_PATH);
    return access(path, F_OK) == 0 ? CONF_PATH : NUT_CONF_PATH;
}

/* -r; failing that what ups.conf outside says, which is for nothing else then. */
static bool find_jail(struct daemon *daemon)
{
    char *configured = NULL;
    const char *wanted = daemon->options.jail;

    if (wanted == NULL && !daemon->options.demo) {
        configured = jail_global_setting("", wanted_directory(daemon, ""), "chroot");
        wanted = configured;
    }
    bool found = wanted == NULL || realpath(wanted, daemon->jail) != NULL;
    if (!found)
        log_error("chroot to %s: %s", wanted, strerror(errno));
    free(configured);
    return found;
}

/* Inside there need be no list of users, so whom to become is looked up before. */
static bool find_user_for_jail(struct daemon *daemon)
{
    char *configured =
        jail_global_setting(daemon->jail, wanted_directory(daemon, daemon->jail), "user");
    const char *user = wanted_user(daemon, configured);

    if (user != NULL)
        daemon->identity = identity_find(user);
    bool found = user == NULL || daemon->identity != NULL;
    free(configured);
    return found;
}

static bool enter_jail(struct daemon *daemon)
{
    if (!find_jail(daemon))
        return false;
    if (daemon->jail[0] == '\0')
        return true;
    return find_user_for_jail(daemon) && jail_enter(daemon->jail);
}

static bool resolve_directory(struct daemon *daemon)
{
    const char *wanted = wanted_directory(daemon, "");

    if (realpath(wanted, daemon->directory) != NULL)
        return true;
    log_error("configuration directory %s: %s", wanted, strerror(errno));
    if (daemon->jail[0] != '\0')
        log_error("jail: it is looked for inside: mkdir -p %s%s && cp -a %s/. %s%s", daemon->jail,
                  wanted, wanted, daemon->jail, wanted);
    return false;
}

static bool find_directory(struct daemon *daemon)
{
    return daemon->options.demo || (enter_jail(daemon) && resolve_directory(daemon));
}

static bool find_pid_file(struct daemon *daemon)
{
    const char *wanted = daemon->options.pid_file;
    char here[PATH_MAX] = "";
    const char *slash = "";

    if (wanted[0] != '/') {
        slash = "/";
        if (getcwd(here, sizeof here) == NULL) {
            log_error("pid file %s: %s", wanted, strerror(errno));
            return false;
        }
    }
    if (snprintf(daemon->pid_file, sizeof daemon->pid_file, "%s%s%s", here, slash, wanted) >=
        (int)sizeof daemon->pid_file) {
        log_error("pid file %s: %s", wanted, strerror(ENAMETOOLONG));
        return false;
    }
    return true;
}

static void print_complaint(void *context, bool is_error, const char *text)
{
    (void)context;
    fprintf(stderr, "%s: %s\n", is_error ? "error" : "warning", text);
}

static int test_configuration(struct daemon *daemon)
{
    struct config_report report = { .sink = print_complaint };
    struct configuration configuration;
    struct tls_context *tls = NULL;
    const char *directory = daemon->directory;

    if (!find_directory(daemon))
        return EXIT_FAILURE;
    if (!configuration_load(&configuration, directory, &report) ||
        !tls_context_load(configuration.settings, &report, &tls)) {
        configuration_clear(&configuration);
        fprintf(stderr, "%s: %u error%s\n", directory, report.errors,
                report.errors == 1 ? "" : "s");
        return EXIT_FAILURE;
    }
    tls_context_free(tls);
    if (daemon->jail[0] != '\0')
        jail_check(daemon->jail, configuration.settings,
                   wanted_user(daemon, configuration.settings->user));
    printf("%s: the configuration is right: %zu UPS%s\n", directory,
           configuration.settings->device_count,
           configuration.settings->device_count == 1 ? "" : "es");
    configuration_clear(&configuration);
    return EXIT_SUCCESS;
}

static void on_stop_signal(void *context)
{
    struct daemon *daemon = context;

    log_notice("stopping");
    notify_stopping(daemon->notifier);
    loop_stop(daemon->loop);
}

#define STATUS_MAX 64

static const char *status_text(const struct daemon *daemon, char *text)
{
    size_t count = bridge_settings(daemon->bridge)->device_count;

    snprintf(text, STATUS_MAX, "serving %zu UPS%s", count, count == 1 ? "" : "es");
    return text;
}

static void reload(struct daemon *daemon)
{
    char text[STATUS_MAX];

    notify_reloading(daemon->notifier);
    bool done = bridge_reload(daemon->bridge);
    notify_reloaded(daemon->notifier,
                    done ? status_text(daemon, text) : "serving as before a reload that failed");
}

static void on_reload_signal(void *context)
{
    struct daemon *daemon = context;

    /* Nobody edits the demo's files: it is the terminal that was closed. */
    if (daemon->options.demo)
        on_stop_signal(daemon);
    else
        reload(daemon);
}

static bool watch_signals(struct daemon *daemon)
{
    signal(SIGPIPE, SIG_IGN);
    return loop_on_signal(daemon->loop, SIGTERM, on_stop_signal, daemon) == 0 &&
           loop_on_signal(daemon->loop, SIGINT, on_stop_signal, daemon) == 0 &&
           loop_on_signal(daemon->loop, SIGQUIT, on_stop_signal, daemon) == 0 &&
           loop_on_signal(daemon->loop, SIGHUP, on_reload_signal, daemon) == 0;
}

static bool give_up_rights(struct daemon *daemon)
{
    const char *user = wanted_user(daemon, bridge_settings(daemon->bridge)->user);

    if (geteuid() == 0 && user != NULL && daemon->identity == NULL) {
        daemon->identity = identity_find(user);
        if (daemon->identity == NULL && daemon->jail[0] != '\0')
            log_error("jail: -u %s would look for the user outside", user);
        if (daemon->identity == NULL)
            return false;
    }
    if (daemon->identity == NULL && daemon->jail[0] != '\0')
        log_warning("jail: it does not keep root in: say -u USER");
    if (!privileges_give_up(daemon->identity, daemon->options.debug > 0))
        return false;
    permissions_check_reload(daemon->directory);
    return true;
}

/* From files to open ports, still with the rights we were started with. */
static bool open_bridge(struct daemon *daemon)
{
    struct config_report report = { 0 };
    struct configuration configuration;

    if (!configuration_load(&configuration, daemon->directory, &report)) {
        log_error("the configuration in %s has %u error%s", daemon->directory, report.errors,
                  report.errors == 1 ? "" : "s");
        return false;
    }
    if (configuration.settings->debug_minimum > daemon->options.debug)
        log_set_debug(configuration.settings->debug_minimum);
    daemon->loop = loop_new();
    if (daemon->loop == NULL || !watch_signals(daemon)) {
        log_error("cannot make the main loop: %s", strerror(errno));
        configuration_clear(&configuration);
        return false;
    }
    if (daemon->jail[0] != '\0')
        jail_check(daemon->jail, configuration.settings,
                   wanted_user(daemon, configuration.settings->user));
    daemon->bridge = bridge_new(daemon->loop, &configuration, &daemon->inherited);
    return daemon->bridge != NULL;
}

static bool serve(struct daemon *daemon)
{
    char text[STATUS_MAX];

    daemon->notifier = notify_open();
    daemon->inherited.count = activation_take(daemon->inherited.descriptors, SOCKETS_MAX);
    if (!daemon->options.foreground) {
        if (!find_pid_file(daemon))
            return false;
        daemon->pid_descriptor = process_pid_file_open(daemon->pid_file);
        if (daemon->pid_descriptor < 0)
            return false;
        daemon->ready_descriptor = process_background();
        if (daemon->ready_descriptor < 0 ||
            !process_pid_file_write(daemon->pid_descriptor, daemon->pid_file))
            return false;
        log_open("upsbridged", LOG_TO_BOTH);
    }
    /* The order matters: what needs root or the world outside first, threads last. */
    if (!find_directory(daemon) || !open_bridge(daemon) || chdir("/") != 0 ||
        !give_up_rights(daemon))
        return false;
    if (!daemon->options.foreground)
        log_open("upsbridged", LOG_TO_SYSLOG);
    sandbox_enter(bridge_settings(daemon->bridge)->sandbox_mode);
    if (!bridge_start(daemon->bridge))
        return false;
    if (daemon->ready_descriptor >= 0)
        process_ready(daemon->ready_descriptor);
    notify_ready(daemon->notifier, daemon->loop, status_text(daemon, text));
    if (daemon->options.demo)
        demo_print_welcome(daemon->directory);
    return loop_run(daemon->loop) == 0;
}

/* A second signal must not leave files behind; SIGQUIT remains for whoever cannot wait. */
static void block_stop_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
}

static void clean_up(struct daemon *daemon)
{
    block_stop_signals();
    if (daemon->bridge != NULL)
        bridge_free(daemon->bridge);
    notify_close(daemon->notifier);
    loop_free(daemon->loop);
    identity_free(daemon->identity);
    if (daemon->pid_descriptor >= 0) {
        /* Without the right to remove it, or from within a jail, it is emptied. */
        if ((daemon->jail[0] != '\0' || unlink(daemon->pid_file) != 0) &&
            ftruncate(daemon->pid_descriptor, 0) != 0)
            log_warning("cannot remove the pid file %s: %s", daemon->pid_file, strerror(errno));
        close(daemon->pid_descriptor);
    }
}

static int make(const struct options *options)
{
    bool authority = options->make_authority != NULL;

    return make_certificate(&(struct certificate_order){
        .file = authority ? options->make_authority : options->make_certificate,
        .authority = authority,
        .sign_with = options->sign_with,
        .names = options->names,
        .name_count = options->name_count });
}

/* Where lines were named, USB may be lacking. */
static int scan(const struct options *options)
{
    if (options->name_count == 0)
        return scan_print();
    bool good = scan_print() == EXIT_SUCCESS;
    good |= scan_serial(options->names, options->name_count, stdout);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct daemon daemon = { .ready_descriptor = -1, .pid_descriptor = -1 };
    int status = options_parse(&daemon.options, argc, argv);

    if (status >= 0)
        return status;
    log_open("upsbridged", LOG_TO_STDERR);
    log_set_debug(daemon.options.debug);
    if (daemon.options.udev_group != NULL)
        return scan_print_udev_rules(daemon.options.udev_group, stdout);
    if (daemon.options.drivers)
        return list_drivers(stdout);
    if (daemon.options.make_certificate != NULL || daemon.options.make_authority != NULL)
        return make(&daemon.options);
    if (daemon.options.check_map != NULL)
        return check_map(daemon.options.check_map, daemon.options.dump);
    if (daemon.options.probe_modbus != NULL)
        return probe_modbus(daemon.options.probe_modbus, daemon.options.units);
    if (daemon.options.hash_password)
        return hash_password_print();
    if (daemon.options.scan)
        return scan(&daemon.options);
    process_set_limits();
    if (daemon.options.demo &&
        !demo_lay_out(daemon.directory, sizeof daemon.directory, wanted_user(&daemon, NULL)))
        return EXIT_FAILURE;
    if (daemon.options.test)
        status = test_configuration(&daemon);
    else
        status = serve(&daemon) ? EXIT_SUCCESS : EXIT_FAILURE;
    clean_up(&daemon);
    if (daemon.options.demo)
        demo_remove(daemon.directory);
    return status;
}
