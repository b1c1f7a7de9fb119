/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/standalone.h"

#include "agent/datagrams.h"
#include "agent/library.h"
#include "agent/netsnmp.h"
#include "agent/objects.h"
#include "agent/sink_words.h"
#include "agent/sinks.h"
#include "agent/standalone_set.h"
#include "agent/varbind.h"
#include "agent/visible.h"
#include "core/log.h"
#include "core/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * All we serve: nobody else in this process has a part of it, and each registration would cost some
 * kilobytes a context.
 */
#define ROOT OBJECTS_INTERNET
#define DATAGRAMS_AT_ONCE 16 /* before others have their turn in the loop */

struct listener {
    struct standalone *standalone;
    netsnmp_session *session;
    struct event *readiness;
};

struct registration {
    struct registration *next;
    char context[];
};

struct standalone {
    struct contexts contexts;
    struct standalone_sets *sets;
    struct sinks *sinks; /* of notifications */
    int64_t epoch;       /* clock_ms() when sysUpTime was 0 */
    netsnmp_large_fd_set readable;
    struct registration *registrations;
    size_t listener_count;
    struct listener listeners[];
};

/* Exported by the agent library without a header of their own. */
void init_vacm_conf(void);
void init_usmConf(void);

/* Requests ----------------------------------------------------------------------------------- */

static void answer_get(netsnmp_agent_request_info *info, netsnmp_request_info *request,
                       const struct subtree *subtree, const struct moment *moment)
{
    netsnmp_variable_list *variable = request->requestvb;
    size_t position;
    enum subtree_match match =
        subtree_get(subtree, variable->name, variable->name_length, &position);

    if (match == SUBTREE_NO_OBJECT)
        netsnmp_set_request_error(info, request, SNMP_NOSUCHOBJECT);
    else if (match == SUBTREE_NO_INSTANCE)
        netsnmp_set_request_error(info, request, SNMP_NOSUCHINSTANCE);
    else if (!varbind_set(variable, subtree, position, moment))
        netsnmp_set_request_error(info, request, SNMP_ERR_GENERR);
}

/* Sets a variable to the instance at a position. False: there is none. */
static bool tell(netsnmp_request_info *request, const struct subtree *subtree, size_t position,
                 const struct moment *moment)
{
    netsnmp_variable_list *variable = request->requestvb;
    oid name[SUBTREE_NAME_MAX];

    if (position == SUBTREE_NONE)
        return false;
    size_t length = subtree_name_at(subtree, position, name);
    return snmp_set_var_objid(variable, name, length) == 0 &&
           varbind_set(variable, subtree, position, moment);
}

/* GETBULK: the library has laid out the variables to come behind the present one. */
static bool to_next_repetition(netsnmp_request_info *request)
{
    netsnmp_variable_list *next = request->requestvb->next_variable;

    if (request->repeat <= 0 || next == NULL)
        return false;
    request->repeat--;
    next->type = ASN_PRIV_RETRY;
    request->requestvb = next;
    request->inclusive = 0;
    return true;
}

/*
 * The library looks at the view after us. What it has to take out of repetitions of a GETBULK makes
 * it pass on others unlooked at, and of a GETNEXT it takes out one instance at a time; so it gets
 * nothing to take out.
 */
static void answer_next(const netsnmp_agent_request_info *info, netsnmp_request_info *request,
                        const netsnmp_handler_registration *handler, const struct subtree *subtree,
                        const struct moment *moment)
{
    const netsnmp_variable_list *variable = request->requestvb;
    bool bulk = info->mode == MODE_GETBULK;
    bool inclusive = request->inclusive != 0;
    netsnmp_pdu *pdu = info->asp->pdu;
    bool all = visible_wholly(pdu, handler->rootoid, handler->rootoid_len);
    size_t position =
        all ? subtree_next(subtree, variable->name, variable->name_length, inclusive, NULL)
            : visible_next(pdu, subtree, variable->name, variable->name_length, inclusive);

    while (tell(request, subtree, position, moment)) {
        const netsnmp_variable_list *told = request->requestvb;

        if (!bulk || !to_next_repetition(request))
            break;
        position =
            all ? subtree_after(subtree, position, NULL) : visible_after(pdu, subtree, position);
        /* The library asks others for what comes behind what was told last. */
        if (position == SUBTREE_NONE)
            snmp_set_var_objid(request->requestvb, told->name, told->name_length);
    }
}

static int answer(netsnmp_mib_handler *chain, netsnmp_handler_registration *handler,
                  netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
    const struct standalone *standalone = handler->my_reg_void;
    struct moment moment = moment_at(clock_ms(), standalone->epoch);
    const struct subtree *subtree = standalone->contexts.snapshot(
        standalone->contexts.owner, handler->contextName == NULL ? "" : handler->contextName);

    if (MODE_IS_SET(info->mode)) {
        standalone_sets_take(standalone->sets, chain, handler, info, requests);
        return SNMP_ERR_NOERROR;
    }
    for (netsnmp_request_info *request = requests; request != NULL; request = request->next) {
        if (request->processed)
            continue;
        switch (info->mode) {
        case MODE_GET:
            if (subtree == NULL)
                netsnmp_set_request_error(info, request, SNMP_NOSUCHOBJECT);
            else
                answer_get(info, request, subtree, &moment);
            break;
        case MODE_GETNEXT:
        case MODE_GETBULK:
            if (subtree != NULL)
                answer_next(info, request, handler, subtree, &moment);
            break;
        default:
            break;
        }
    }
    return SNMP_ERR_NOERROR;
}

/* Sockets ------------------------------------------------------------------------------------ */

static bool has_more(int descriptor)
{
    int bytes = 0;

    return ioctl(descriptor, FIONREAD, &bytes) == 0 && bytes > 0;
}

/* Several at once if there are: to go through the loop costs as much as to read one. */
static void on_readable(evutil_socket_t descriptor, short what, void *argument)
{
    const struct listener *listener = argument;
    netsnmp_large_fd_set *readable = &listener->standalone->readable;

    (void)what;
    for (unsigned i = 0; i < DATAGRAMS_AT_ONCE && (i == 0 || has_more(descriptor)); i++) {
        NETSNMP_LARGE_FD_ZERO(readable);
        NETSNMP_LARGE_FD_SET(descriptor, readable);
        snmp_read2(readable);
        netsnmp_check_outstanding_agent_requests();
    }
}

static bool open_listener(struct standalone *standalone, struct event_base *base,
                          const char *address)
{
    struct listener *listener = &standalone->listeners[standalone->listener_count];
    netsnmp_session session;

    errno = 0;
    netsnmp_transport *transport = netsnmp_transport_open_server(STANDALONE_NAME, address);
    if (transport == NULL) {
        log_error("SNMP listen %s: cannot listen there: %s", address,
                  errno == 0 ? "it is no address of this host" : strerror(errno));
        return false;
    }
    datagrams_take_over(transport);
    int descriptor = transport->sock;
    snmp_sess_init(&session);
    session.version = SNMP_DEFAULT_VERSION;
    session.callback = handle_snmp_packet;
    session.authenticator = NULL;
    session.isAuthoritative = SNMP_SESS_AUTHORITATIVE;
    listener->standalone = standalone;
    listener->session = snmp_add(&session, transport, NULL, NULL);
    if (listener->session == NULL) {
        log_error("SNMP listen %s: net-snmp makes no session of it", address);
        return false;
    }
    standalone->listener_count++;
    listener->readiness = event_new(base, descriptor, EV_READ | EV_PERSIST, on_readable, listener);
    if (listener->readiness == NULL || event_add(listener->readiness, NULL) != 0) {
        log_error("SNMP listen %s: out of memory", address);
        return false;
    }
    log_info("SNMP: listening on %s", address);
    return true;
}

/* Life --------------------------------------------------------------------------------------- */

/*
 * The library keeps engine boots there, and writes also after root was given up: so it belongs to
 * whom the state directory belongs. That user must not get anything else by a link of this name.
 */
static bool give_directory(const char *path, const char *state_path)
{
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (descriptor < 0) {
        log_error("SNMP listen: cannot use %s: %s", path, strerror(errno));
        return false;
    }
    bool given =
        stat(state_path, &status) == 0 && fchown(descriptor, status.st_uid, status.st_gid) == 0;
    if (!given)
        log_error("SNMP listen: cannot give away %s: %s", path, strerror(errno));
    close(descriptor);
    return given;
}

static bool make_persistent_directory(char *path, size_t size, const char *state_path)
{
    if ((size_t)snprintf(path, size, "%s/snmp", state_path) >= size) {
        log_error("STATEPATH %s: too long", state_path);
        return false;
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        log_error("SNMP listen: cannot make %s: %s", path, strerror(errno));
        return false;
    }
    return geteuid() != 0 || give_directory(path, state_path);
}

static void ignore_line(const char *token, char *line)
{
    (void)token;
    (void)line;
}

/*
 * The library stores users as well as engine boots, and what it has stored would win over the
 * administrator's file: an old password would stay, a user struck off would return. When the
 * library has named its own readers of lines, and has not begun to read, is the time to interfere.
 */
static int forget_stored_users(int major, int minor, void *argument, void *magic)
{
    (void)major;
    (void)minor;
    (void)argument;
    (void)magic;
    register_config_handler(STANDALONE_NAME, "usmUser", ignore_line, NULL, NULL);
    return SNMP_ERR_NOERROR;
}

/* Until root is given up nothing is written where another user could have laid links. */
static void keep_state(bool keep)
{
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, !keep);
}

static bool begin_library(const struct standalone_settings *settings)
{
    char persistent[PATH_MAX];

    if (!make_persistent_directory(persistent, sizeof persistent, settings->state_path))
        return false;
    library_begin(settings->directory, persistent);
    netsnmp_ds_set_boolean(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_NO_ROOT_ACCESS, 1);
    if (init_agent(STANDALONE_NAME) != 0) {
        log_error("net-snmp's agent library does not start");
        return false;
    }
    init_vacm_conf();
    init_usmConf();
    sink_words_register(STANDALONE_NAME);
    snmp_register_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_POST_PREMIB_READ_CONFIG,
                           forget_stored_users, NULL);
    init_snmp(STANDALONE_NAME);
    /* A reload reads what is stored as well, but is no boot. */
    register_config_handler(STANDALONE_NAME, "engineBoots", ignore_line, NULL, NULL);
    keep_state(false);
    if (library_complaints() == 0)
        return true;
    log_error("%s/%s is wrong, as said above", settings->directory, STANDALONE_ACCESS_FILE);
    return false;
}

struct standalone *standalone_new(struct loop *loop, const struct standalone_settings *settings,
                                  const struct contexts *contexts)
{
    struct standalone *standalone =
        calloc(1, sizeof *standalone + settings->address_count * sizeof standalone->listeners[0]);

    if (standalone == NULL || !begin_library(settings)) {
        free(standalone);
        return NULL;
    }
    standalone->contexts = *contexts;
    standalone->epoch = (int64_t)clock_ms();
    netsnmp_large_fd_set_init(&standalone->readable, FD_SETSIZE);
    standalone->sets = standalone_sets_new(&standalone->contexts);
    standalone->sinks = sinks_new(loop, &standalone->epoch);
    if (standalone->sets == NULL || standalone->sinks == NULL) {
        standalone_free(standalone);
        return NULL;
    }
    for (size_t i = 0; i < settings->address_count; i++) {
        if (!open_listener(standalone, loop_base(loop), settings->addresses[i])) {
            standalone_free(standalone);
            return NULL;
        }
    }
    return standalone;
}

/*
 * Not by netsnmp_unregister_handler(): it goes on reading the context's name in the handler it has
 * freed.
 */
static void unregister(const struct registration *registration)
{
    oid root[] = { ROOT };

    unregister_mib_context(root, OID_LENGTH(root), DEFAULT_MIB_PRIORITY, 0, 0,
                           registration->context);
}

void standalone_free(struct standalone *standalone)
{
    if (standalone == NULL)
        return;
    standalone_sets_free(standalone->sets);
    sinks_free(standalone->sinks);
    while (standalone->registrations != NULL) {
        struct registration *registration = standalone->registrations;

        standalone->registrations = registration->next;
        unregister(registration);
        free(registration);
    }
    for (size_t i = 0; i < standalone->listener_count; i++) {
        if (standalone->listeners[i].readiness != NULL)
            event_free(standalone->listeners[i].readiness);
        snmp_close(standalone->listeners[i].session);
    }
    netsnmp_large_fd_set_cleanup(&standalone->readable);
    snmp_shutdown(STANDALONE_NAME);
    shutdown_agent();
    library_end();
    free(standalone);
}

void standalone_start(struct standalone *standalone)
{
    const char *directory = get_persistent_directory();

    sinks_start(standalone->sinks);
    if (access(directory, W_OK | X_OK) != 0) {
        log_warning("SNMP: cannot write into %s: %s: SNMPv3 managers will see another engine after "
                    "a restart",
                    directory, strerror(errno));
        return;
    }
    keep_state(true);
    /* Now, not only at the end: after a crash the boots must go up too (RFC 3414 section 2.2). */
    snmp_store(STANDALONE_NAME);
}

void standalone_reload(struct standalone *standalone)
{
    unsigned before = library_complaints();

    update_config();
    sinks_renew(standalone->sinks);
    if (library_complaints() != before)
        log_error("%s: what is wrong in it, as said above, is left out", STANDALONE_ACCESS_FILE);
}

static netsnmp_handler_registration *new_handler(struct standalone *standalone, const char *context)
{
    static const oid root[] = { ROOT };
    netsnmp_handler_registration *handler = netsnmp_create_handler_registration(
        STANDALONE_NAME, answer, root, OID_LENGTH(root), HANDLER_CAN_RWRITE | HANDLER_CAN_GETBULK);

    if (handler == NULL)
        return NULL;
    handler->my_reg_void = standalone;
    handler->contextName = strdup(context);
    if (handler->contextName != NULL)
        return handler;
    netsnmp_handler_registration_free(handler);
    return NULL;
}

bool standalone_register_context(struct standalone *standalone, const char *context)
{
    struct registration *registration = calloc(1, sizeof *registration + strlen(context) + 1);

    if (registration == NULL)
        return false;
    memcpy(registration->context, context, strlen(context) + 1);
    netsnmp_handler_registration *handler = new_handler(standalone, context);
    /* Registering frees the handler if it fails. */
    if (handler == NULL || netsnmp_register_handler(handler) != MIB_REGISTERED_OK) {
        free(registration);
        return false;
    }
    registration->next = standalone->registrations;
    standalone->registrations = registration;
    return true;
}

void standalone_unregister_context(struct standalone *standalone, const char *context)
{
    for (struct registration **link = &standalone->registrations; *link != NULL;
         link = &(*link)->next) {
        struct registration *registration = *link;

        if (strcmp(registration->context, context) != 0)
            continue;
        *link = registration->next;
        unregister(registration);
        free(registration);
        return;
    }
}

bool standalone_has_sinks(const struct standalone *standalone)
{
    return sinks_any(standalone->sinks);
}

void standalone_notify(struct standalone *standalone, struct notification *notification)
{
    sinks_send(standalone->sinks, notification);
}
