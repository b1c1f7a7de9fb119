/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/sink_words.h"

#include "agent/sink_address.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WORD_SIZE 1024
#define USUAL_COMMUNITY "public"

/* The library hands its readers no context, so this is global as the library is. */
static struct {
    struct sink_word *first, **last; /* last NULL: there is none yet */
    char *community;                 /* trapcommunity; NULL: the usual one */
    bool inform;                     /* the line being read says -Ci */
    bool wrong;                      /* it says -C and something else */
} reading;

/* Life --------------------------------------------------------------------------------------- */

void sink_word_free(struct sink_word *word)
{
    netsnmp_session *session = &word->session;

    for (int i = 0; i < word->argument_count; i++)
        free(word->arguments[i]);
    free(word->host);
    free(word->port);
    free(session->community);
    free(session->localname);
    free(session->securityEngineID);
    free(session->contextEngineID);
    free(session->securityAuthLocalKey);
    free(session->securityPrivLocalKey);
    explicit_bzero(word, sizeof *word);
    free(word);
}

struct sink_word *sink_words_take(void)
{
    struct sink_word *first = reading.first;

    reading.first = NULL;
    reading.last = NULL;
    return first;
}

void sink_words_forget(void)
{
    struct sink_word *word = sink_words_take();

    while (word != NULL) {
        struct sink_word *next = word->next;

        sink_word_free(word);
        word = next;
    }
    free(reading.community);
    reading.community = NULL;
}

/* Reading ------------------------------------------------------------------------------------- */

static struct sink_word *new_word(int command)
{
    struct sink_word *word = calloc(1, sizeof *word);

    if (word == NULL)
        return NULL;
    word->command = command;
    snmp_sess_init(&word->session);
    return word;
}

static bool set_address(struct sink_word *word, const char *text, const char *port)
{
    struct sink_address address;

    if (!sink_address_parse(text, &address) ||
        (port != NULL && port[strspn(port, "0123456789")] != '\0'))
        return false;
    word->family = address.family;
    word->host = strdup(address.host);
    word->port = strdup(port == NULL || *port == '\0' ? address.port : port);
    return word->host != NULL && word->port != NULL;
}

static void keep(struct sink_word *word)
{
    if (reading.last == NULL)
        reading.last = &reading.first;
    *reading.last = word;
    reading.last = &word->next;
}

/* trapsink, trap2sink, informsink: HOST [COMMUNITY [PORT]] */
static void read_sink(const char *token, char *line)
{
    bool of_v1 = strcasecmp(token, "trapsink") == 0;
    bool inform = strcasecmp(token, "informsink") == 0;
    char host[WORD_SIZE], community[WORD_SIZE] = "", port[WORD_SIZE] = "";
    char *rest = copy_nword(line, host, sizeof host);

    if (rest != NULL)
        rest = copy_nword(rest, community, sizeof community);
    if (rest != NULL)
        rest = copy_nword(rest, port, sizeof port);
    struct sink_word *word = new_word(of_v1    ? SNMP_MSG_TRAP
                                      : inform ? SNMP_MSG_INFORM
                                               : SNMP_MSG_TRAP2);
    if (word == NULL) {
        netsnmp_config_error("out of memory");
        return;
    }
    const char *usual = reading.community == NULL ? USUAL_COMMUNITY : reading.community;
    word->session.version = of_v1 ? SNMP_VERSION_1 : SNMP_VERSION_2c;
    word->session.community = (u_char *)strdup(*community == '\0' ? usual : community);
    if (word->session.community != NULL && set_address(word, host, port) && rest == NULL) {
        word->session.community_len = strlen((char *)word->session.community);
        keep(word);
        return;
    }
    netsnmp_config_error("%s: '%s' is no address by UDP, or there is too much behind it", token,
                         host);
    sink_word_free(word);
}

/* What trapsess has beyond the options that all of net-snmp's tools have. */
static void read_option(int count, char *const *arguments, int option)
{
    (void)count;
    (void)arguments;
    (void)option;
    reading.inform = strcmp(optarg, "i") == 0;
    reading.wrong = !reading.inform;
}

static bool split(struct sink_word *word, const char *token, const char *line)
{
    char argument[WORD_SIZE];

    word->arguments[word->argument_count++] = strdup(token);
    while (line != NULL && *line != '\0' && word->argument_count < SINK_ARGUMENTS_MAX) {
        line = copy_nword_const(line, argument, sizeof argument);
        word->arguments[word->argument_count] = strdup(argument);
        if (word->arguments[word->argument_count++] == NULL)
            return false;
    }
    explicit_bzero(argument, sizeof argument);
    return line == NULL || *line == '\0';
}

/* The library names protocols by its own constants if the line does, and else by a copy. */
static void use_constant(oid **protocol, oid *constant)
{
    if (*protocol == NULL || *protocol == constant || constant == NULL)
        return;
    free(*protocol);
    *protocol = constant;
}

static void use_constants(netsnmp_session *session)
{
    size_t length;

    use_constant(&session->securityAuthProto,
                 sc_get_auth_oid(sc_get_authtype(session->securityAuthProto,
                                                 (u_int)session->securityAuthProtoLen),
                                 &length));
    use_constant(&session->securityPrivProto,
                 sc_get_priv_oid(sc_get_privtype(session->securityPrivProto,
                                                 (u_int)session->securityPrivProtoLen),
                                 &length));
}

/* Why a line does not do; NULL: it does. */
static const char *read_session(struct sink_word *word, const char *token, const char *line)
{
    if (!split(word, token, line))
        return "there are too many words";
    reading.inform = false;
    reading.wrong = false;
    int next =
        netsnmp_parse_args(word->argument_count, word->arguments, &word->session, "C:", read_option,
                           NETSNMP_PARSE_ARGS_NOLOGGING | NETSNMP_PARSE_ARGS_NOZERO);
    use_constants(&word->session);
    if (next < 0 || reading.wrong)
        return "an option is wrong, or the host or who is to send is missing";
    if (next != word->argument_count)
        return "there is too much behind the host";
    if (word->session.localname != NULL)
        return "-s is not supported";
    if (word->session.version == SNMP_DEFAULT_VERSION)
        word->session.version = SNMP_VERSION_3;
    if (word->session.version == SNMP_VERSION_1 && reading.inform)
        return "there are no informs in SNMPv1";
    if (word->session.version == SNMP_VERSION_3 && word->session.securityNameLen == 0)
        return "it names no user";
    if (word->session.version == SNMP_VERSION_1)
        word->command = SNMP_MSG_TRAP;
    else if (reading.inform)
        word->command = SNMP_MSG_INFORM;
    return set_address(word, word->session.peername, NULL) ? NULL : "the host is no address by UDP";
}

/* trapsess [OPTIONS OF SNMPCMD] HOST */
static void read_trapsess(const char *token, char *line)
{
    struct sink_word *word = new_word(SNMP_MSG_TRAP2);
    const char *problem = word == NULL ? "out of memory" : read_session(word, token, line);

    if (problem == NULL) {
        keep(word);
        return;
    }
    netsnmp_config_error("%s: %s", token, problem);
    if (word != NULL)
        sink_word_free(word);
}

static void read_community(const char *token, char *line)
{
    char community[WORD_SIZE];

    (void)token;
    copy_nword(line, community, sizeof community);
    free(reading.community);
    reading.community = strdup(community);
}

void sink_words_register(const char *application)
{
    static const char *const sinks[] = { "trapsink", "trap2sink", "informsink" };

    for (size_t i = 0; i < sizeof sinks / sizeof sinks[0]; i++)
        register_config_handler(application, sinks[i], read_sink, sink_words_forget,
                                "HOST [COMMUNITY [PORT]]");
    register_config_handler(application, "trapsess", read_trapsess, sink_words_forget,
                            "[OPTIONS] HOST");
    register_config_handler(application, "trapcommunity", read_community, NULL, "COMMUNITY");
}
