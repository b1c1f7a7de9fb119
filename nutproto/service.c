/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/service.h"

#include "core/log.h"
#include "core/pool.h"
#include "nutproto/client.h"
#include "nutproto/session.h"
#include "nutproto/tls_context.h"

#include <stdlib.h>

#define IDLE_LIMIT_MS 60000
#define STALL_LIMIT_MS 30000
#define HANDSHAKE_LIMIT_MS 10000
#define HANDSHAKES_MAX 1000
#define QUEUE_LIMIT ((size_t)64 * 1024 * 1024)
#define COMPLAINTS_MAX 20
#define COMPLAINTS_WINDOW_MS 10000

struct exhibit *service_exhibit(struct service *service, struct ups *ups)
{
    if (ups->attachments[service->slot] == NULL)
        ups->attachments[service->slot] = exhibit_new();
    return ups->attachments[service->slot];
}

/* Clients that watch a device must notice that it is gone; so they are logged out by force. */
static void drop_exhibit(struct service *service, struct ups *ups)
{
    struct exhibit *exhibit = ups->attachments[service->slot];
    char address[CLIENT_ADDRESS_SIZE];

    while (exhibit != NULL && exhibit->newest != NULL) {
        log_info("Kicking client %s (was on UPS [%s])", client_address(exhibit->newest, address),
                 ups->name);
        session_kick(exhibit->newest);
    }
    exhibit_free(exhibit);
    ups->attachments[service->slot] = NULL;
}

static void on_store_event(void *context, struct ups *ups, const struct ups_event *event)
{
    struct service *service = context;
    char id[TRACKING_TEXT_SIZE];

    if (event->kind == UPS_EVENT_REMOVED)
        drop_exhibit(service, ups);
    else if (event->kind == UPS_EVENT_RESULT &&
             tracking_complete(service->tracking, event->request, event->outcome, id))
        log_info("tracking ID: %s\tresult: %s", id,
                 tracking_state_text((enum tracking_state)event->outcome));
}

static void visit_clients(void *source, census_visit *visit, void *context)
{
    const struct service *service = source;
    char address[CLIENT_ADDRESS_SIZE];

    for (const struct session *session = service->sessions; session != NULL;
         session = session_older(session)) {
        const struct client *client = session_client(session);
        const struct ups *ups = client->login;

        visit(context,
              &(struct census_client){
                  .number = client->number,
                  .address = client_address(client, address),
                  .user = ups == NULL ? NULL : authority_user_name(service->authority, client),
                  .ups = ups == NULL ? NULL : ups->name,
                  .tls = client->tls,
                  .since = client->since });
    }
}

struct service *service_new(struct loop *loop, struct ups_store *store, unsigned tracking_delay)
{
    struct service *service = calloc(1, sizeof *service);

    if (service == NULL)
        return NULL;
    service->base = loop_base(loop);
    handshakes_init(&service->handshakes, service->base);
    service->store = store;
    service->census = ups_store_census(store);
    service->idle_limit = IDLE_LIMIT_MS;
    service->stall_limit = STALL_LIMIT_MS;
    service->handshake_limit = HANDSHAKE_LIMIT_MS;
    service->handshakes_max = HANDSHAKES_MAX;
    service->queue_limit = QUEUE_LIMIT;
    service->tracking = tracking_new(tracking_delay);
    service->pool = pool_new(loop);
    service->authority = authority_new(service->base, service->pool, &service->census->counters);
    service->slot = -1;
    if (service->tracking != NULL && service->pool != NULL && service->authority != NULL)
        service->slot = ups_subscribe(store, on_store_event, service);
    if (service->slot < 0) {
        authority_free(service->authority);
        pool_free(service->pool);
        tracking_free(service->tracking);
        free(service);
        return NULL;
    }
    service->census->source = service;
    service->census->each_client = visit_clients;
    service->census->certificates = &service->certificates;
    return service;
}

void service_free(struct service *service)
{
    if (service == NULL)
        return;
    service->on_leave = NULL;
    service->census->each_client = NULL;
    service->census->certificates = NULL;
    while (service->sessions != NULL)
        session_close(service->sessions);
    handshakes_clear(&service->handshakes);
    for (size_t i = 0; i < ups_count(service->store); i++)
        drop_exhibit(service, ups_at(service->store, i));
    ups_unsubscribe(service->store, service->slot);
    words_clear(&service->words);
    output_clear(&service->output);
    tracking_free(service->tracking);
    authority_free(service->authority);
    pool_free(service->pool);
    tls_context_free(service->tls);
    certificates_clear(&service->certificates);
    free(service);
}

void service_complain(struct service *service, int level, const char *format, ...)
{
    uint64_t now = clock_ms();
    va_list arguments;

    if (now - service->complaints_since > COMPLAINTS_WINDOW_MS) {
        service->complaints_since = now;
        service->complaints = 0;
    }
    if (++service->complaints > COMPLAINTS_MAX)
        return;
    va_start(arguments, format);
    log_message_va(level, format, arguments);
    va_end(arguments);
    if (service->complaints == COMPLAINTS_MAX)
        log_notice("More complaints about clients are left out for up to %d seconds",
                   COMPLAINTS_WINDOW_MS / 1000);
}
