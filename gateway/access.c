#include "gateway/access.h"

#include <string.h>
#include <strings.h>

#include "base/cidr.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/limiter.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "base/mem.h"
#include "gateway/fault.h"
#include "gateway/method_scope.h"
#include "gateway/token_book.h"
#include "rpc/allow_gate.h"
#include "rpc/call.h"
#include "rpc/caller.h"
#include "rpc/origin.h"
#include "rpc/server.h"
#include "store/token_scope.h"

enum { MAX_SHOWN_BYTES = 120 }; /* of a path in the log */

struct access {
    struct rpc_gate gate;
    struct cidr_list allowed;    /* empty: all addresses are */
    unsigned certificate_scopes; /* what a certificate allows, in the place of a token */
    struct token_book *book;     /* NULL: no token is asked for */
    struct limiter *limiter;     /* NULL: there are no limits */
    struct log_limit refusals;
};

/* What is known of an admitted call; the call's ticket. */
struct pass {
    struct token token;            /* zeroed: it has none */
    const char *identity;          /* of its certificate; "": it has none */
    struct limiter_client *client; /* NULL: its calls are not counted */
};

static void validate_certificate_scopes(const struct access_settings *settings, bool has_client_ca,
                                        struct buf *errors)
{
    if (!settings->certificate_scopes)
        return;
    if (!settings->requires_token || !has_client_ca)
        buf_append_text(errors, "certificate-scopes: it says nothing without --require-token and "
                                "--tls-client-ca\n");
    struct status st = token_scopes_validate("certificate-scopes", settings->certificate_scopes);
    if (st.code != STATUS_OK)
        buf_printf(errors, "%s\n", st.text);
}

void access_validate(const struct access_settings *settings, const char *listen,
                     const char *metrics_listen, bool has_client_ca, struct buf *errors)
{
    const struct exposure_settings *exposure = &settings->exposure;

    exposure_validate(exposure, errors);
    exposure_check(exposure, "listen", listen, settings->requires_token || has_client_ca,
                   ", --require-token, --tls-client-ca", errors);
    exposure_check(exposure, "metrics-listen", metrics_listen, false, "", errors);
    validate_certificate_scopes(settings, has_client_ca, errors);
}

/* Asking. */

/* The token in a header; data is NULL if there is none. RFC 6750, section 2.1: the scheme's case does not matter. */
static struct str find_token(const struct rpc_call *call)
{
    static const char scheme[] = "Bearer ";
    struct str value = rpc_caller_find_metadata(call, "authorization");

    if (value.len < strlen(scheme) || strncasecmp(value.data, scheme, strlen(scheme)) != 0)
        return (struct str){NULL, 0};
    return str_trim(str_skip(value, strlen(scheme)));
}

/* What the caller shows: a token, or else a certificate where that may stand in for one. */
static struct status identify(struct access *access, struct rpc_call *call, struct pass *pass)
{
    struct str text = find_token(call);

    if (!text.data && access->certificate_scopes && *pass->identity) {
        pass->token = (struct token){.name = pass->identity, .scopes = access->certificate_scopes};
        return status_ok();
    }
    if (!text.data)
        return fault_set(call, FAULT_TOKEN_MISSING, NULL);
    struct status st = token_book_find(access->book, text, rpc_call_get_arena(call), &pass->token);
    if (st.code == STATUS_UNAVAILABLE)
        return fault_set(call, FAULT_DATABASE_UNAVAILABLE, NULL);
    if (st.code != STATUS_OK)
        return fault_set(call, FAULT_TOKEN_INVALID, NULL);
    return st;
}

static struct status check_token(struct access *access, struct rpc_call *call, struct pass *pass)
{
    const struct method_scope *method = method_scope_find(rpc_caller_get_path(call));

    if (method && method->is_open)
        return status_ok();
    struct status st = identify(access, call, pass);
    if (st.code == STATUS_OK && method && !(pass->token.scopes & method->scope))
        return fault_set(call, FAULT_SCOPE_MISSING, token_scope_get_name(method->scope));
    return st;
}

/*
 * A token is the client, wherever it calls from, and else a certificate; without one the address is, and all of a unix
 * socket are one.
 */
static uint64_t get_client_key(struct rpc_call *call, const struct pass *pass)
{
    struct cidr_address address = {.is_v4 = false};

    if (pass->token.id)
        return limiter_make_key(str_from(pass->token.id));
    if (*pass->identity)
        return limiter_make_key(str_from(pass->identity));
    if (!cidr_read_address(str_from(rpc_caller_copy_host(call)), &address))
        address.is_v4 = false;
    return limiter_make_address_key(&address);
}

static struct status check_limits(struct access *access, struct rpc_call *call, struct pass *pass)
{
    if (!access->limiter || rpc_caller_carries(call)) /* the calls on it are counted */
        return status_ok();
    unsigned retry_ms = limiter_enter(access->limiter, get_client_key(call, pass),
                                      clock_get_monotonic_ms(), &pass->client);
    if (retry_ms == 0)
        return status_ok();
    struct status st = fault_set(call, FAULT_CLIENT_LIMIT, NULL);
    rpc_call_set_retry_ms(call, retry_ms);
    return st;
}

static void log_refusal(struct access *access, struct rpc_call *call, const struct pass *pass,
                        struct status st)
{
    struct str path = rpc_caller_get_path(call);
    unsigned nskipped;

    if (!log_limit_pass(&access->refusals, clock_get_monotonic_ms(), &nskipped))
        return;
    if (path.len > MAX_SHOWN_BYTES)
        path.len = MAX_SHOWN_BYTES;
    log_warn("call refused", log_code(st), log_str("error", st.text),
             log_str("peer", rpc_caller_copy_host(call)), log_text("method", path),
             log_str("certificate", pass->identity), log_str("token", pass->token.name),
             log_str("request_id", rpc_origin_get_request_id(call)),
             log_int("not_logged", nskipped));
}

static struct status admit(struct rpc_gate *gate, struct rpc_call *call)
{
    struct access *access = container_of(gate, struct access, gate);
    struct pass *pass = rpc_call_alloc(call, sizeof(*pass));
    struct status st = status_ok();

    pass->identity = rpc_caller_copy_identity(call);
    if (!allow_gate_has(&access->allowed, call)) /* who comes from elsewhere is told nothing more */
        st = status_error(STATUS_PERMISSION_DENIED, "permission denied");
    if (st.code == STATUS_OK && access->book)
        st = check_token(access, call, pass);
    if (st.code == STATUS_OK)
        st = check_limits(access, call, pass);
    if (st.code != STATUS_OK)
        log_refusal(access, call, pass, st);
    rpc_caller_set_ticket(call, pass);
    rpc_origin_set_actor(call, access_get_actor(call));
    return st;
}

static void leave(struct rpc_gate *gate, struct rpc_call *call)
{
    struct access *access = container_of(gate, struct access, gate);
    const struct pass *pass = rpc_caller_get_ticket(call);

    if (pass->client)
        limiter_leave(access->limiter, pass->client);
}

/* Telling. */

const char *access_get_actor(struct rpc_call *call)
{
    const struct pass *pass = rpc_caller_get_ticket(call);

    if (pass && pass->token.name)
        return pass->token.name;
    const char *identity = pass ? pass->identity : rpc_caller_copy_identity(call);
    return *identity ? identity : "client";
}

void access_log_change(struct rpc_call *call, const char *what, const char *name)
{
    log_info(what, log_str("name", name), log_str("actor", access_get_actor(call)),
             log_str("request_id", rpc_origin_get_request_id(call)));
}

/* Life. */

struct status access_create(const struct access_settings *settings, struct store *store,
                            struct access **ret)
{
    struct access *access = mem_alloc(sizeof(*access));

    *ret = access;
    access->gate = (struct rpc_gate){admit, leave};
    access->allowed = exposure_get_allowed(&settings->exposure);
    access->limiter = limiter_create(&settings->limits);
    access->certificate_scopes = token_scopes_read(str_from(settings->certificate_scopes));
    if (!settings->requires_token)
        return status_ok();
    return token_book_create(store, &access->book);
}

struct rpc_gate *access_get_gate(struct access *access)
{
    bool has_questions = access->allowed.count > 0 || access->book || access->limiter;

    return has_questions ? &access->gate : NULL;
}

void access_stop(struct access *access)
{
    if (access)
        token_book_stop(access->book);
}

void access_destroy(struct access *access)
{
    if (!access)
        return;
    token_book_destroy(access->book);
    limiter_destroy(access->limiter);
    mem_free(access);
}
