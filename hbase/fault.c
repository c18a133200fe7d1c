/*
 * hbase/fault.c - what the exceptions of HBase mean.
 *
 * The table goes by the class's name without its package, since classes have moved between packages. What it says follows
 * hbase-client 2.x (ClientExceptionsUtil, RpcRetryingCallerImpl, AsyncScanSingleRegionRpcRetryingCaller,
 * HBaseServerExceptionPauseManager).
 */
#include "hbase/fault.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/number.h"

enum {
    PAUSE_MS = 100,
    OVERLOAD_PAUSE_MS = 500,
    MAX_PAUSE_MS = 10 * 1000,
    DEFAULT_THROTTLE_MS = 1000, /* if the text says nothing of it */
    MAX_THROTTLE_MS = 10 * 60 * 1000,
    CLASS_BYTES = 80, /* shown of a class's name */
    TEXT_BYTES = 200, /* shown of a text */
};

struct rule {
    const char *class_name; /* without its package */
    const char
        *text; /* what the text must contain; NULL: anything. The first rule that fits holds */
    enum hbase_action action;
    enum status_code code;
};

/* clang-format off */
static const struct rule rules[] = {
    /* The region is elsewhere, or is about to be. */
    {"NotServingRegionException", NULL, HBASE_ACTION_RELOCATE, STATUS_UNAVAILABLE},
    {"RegionMovedException", NULL, HBASE_ACTION_RELOCATE, STATUS_UNAVAILABLE},
    {"RegionOfflineException", NULL, HBASE_ACTION_RELOCATE, STATUS_UNAVAILABLE},
    {"WrongRegionException", NULL, HBASE_ACTION_RELOCATE, STATUS_UNAVAILABLE},
    /* A row of a batch that is not within the region: the region was split. */
    {"FailedSanityCheckException", "Requested row out of range", HBASE_ACTION_RELOCATE, STATUS_UNAVAILABLE},
    {"FailedSanityCheckException", NULL, HBASE_ACTION_FAIL, STATUS_INVALID_ARGUMENT},
    {"RegionOpeningException", NULL, HBASE_ACTION_PAUSE, STATUS_UNAVAILABLE},

    /* The server has too much to do. */
    {"RegionTooBusyException", NULL, HBASE_ACTION_OVERLOAD, STATUS_UNAVAILABLE},
    {"CallQueueTooBigException", NULL, HBASE_ACTION_OVERLOAD, STATUS_UNAVAILABLE},
    {"CallDroppedException", NULL, HBASE_ACTION_OVERLOAD, STATUS_UNAVAILABLE},
    {"RpcThrottlingException", NULL, HBASE_ACTION_THROTTLE, STATUS_RESOURCE_EXHAUSTED},
    {"ThrottlingException", NULL, HBASE_ACTION_THROTTLE, STATUS_RESOURCE_EXHAUSTED},
    {"RetryImmediatelyException", NULL, HBASE_ACTION_AT_ONCE, STATUS_UNAVAILABLE},
    {"MultiActionResultTooLarge", NULL, HBASE_ACTION_AT_ONCE, STATUS_UNAVAILABLE},

    /* The server goes away, or is not there yet. */
    {"RegionServerStoppedException", NULL, HBASE_ACTION_RECONNECT, STATUS_UNAVAILABLE},
    {"RegionServerAbortedException", NULL, HBASE_ACTION_RECONNECT, STATUS_UNAVAILABLE},
    {"ServerNotRunningYetException", NULL, HBASE_ACTION_RECONNECT, STATUS_UNAVAILABLE},
    {"IOException", "log is closed", HBASE_ACTION_RECONNECT, STATUS_UNAVAILABLE},
    {"PleaseHoldException", NULL, HBASE_ACTION_FIND_MASTER, STATUS_UNAVAILABLE},
    {"MasterNotRunningException", NULL, HBASE_ACTION_FIND_MASTER, STATUS_UNAVAILABLE},
    {"MasterStoppedException", NULL, HBASE_ACTION_FIND_MASTER, STATUS_UNAVAILABLE},

    /* The scanner is gone. */
    {"UnknownScannerException", NULL, HBASE_ACTION_REOPEN, STATUS_UNAVAILABLE},
    {"ScannerResetException", NULL, HBASE_ACTION_REOPEN, STATUS_UNAVAILABLE},
    {"OutOfOrderScannerNextException", NULL, HBASE_ACTION_REOPEN, STATUS_UNAVAILABLE},
    {"LeaseException", NULL, HBASE_ACTION_REOPEN, STATUS_UNAVAILABLE},

    /* What is asked cannot be done. */
    {"TableNotFoundException", NULL, HBASE_ACTION_FAIL, STATUS_NOT_FOUND},
    {"NamespaceNotFoundException", NULL, HBASE_ACTION_FAIL, STATUS_NOT_FOUND},
    {"UnknownRegionException", NULL, HBASE_ACTION_FAIL, STATUS_NOT_FOUND},
    {"ReplicationPeerNotFoundException", NULL, HBASE_ACTION_FAIL, STATUS_NOT_FOUND},
    {"TableExistsException", NULL, HBASE_ACTION_FAIL, STATUS_ALREADY_EXISTS},
    {"NamespaceExistException", NULL, HBASE_ACTION_FAIL, STATUS_ALREADY_EXISTS},
    {"NoSuchColumnFamilyException", NULL, HBASE_ACTION_FAIL, STATUS_FAILED_PRECONDITION},
    {"TableNotEnabledException", NULL, HBASE_ACTION_FAIL, STATUS_FAILED_PRECONDITION},
    {"TableNotDisabledException", NULL, HBASE_ACTION_FAIL, STATUS_FAILED_PRECONDITION},
    {"QuotaExceededException", NULL, HBASE_ACTION_FAIL, STATUS_RESOURCE_EXHAUSTED},
    {"SpaceLimitingException", NULL, HBASE_ACTION_FAIL, STATUS_RESOURCE_EXHAUSTED},
    {"RequestTooBigException", NULL, HBASE_ACTION_FAIL, STATUS_INVALID_ARGUMENT},
    {"InvalidFamilyOperationException", NULL, HBASE_ACTION_FAIL, STATUS_INVALID_ARGUMENT},
    {"ConstraintException", NULL, HBASE_ACTION_FAIL, STATUS_INVALID_ARGUMENT},
    {"IllegalArgumentException", NULL, HBASE_ACTION_FAIL, STATUS_INVALID_ARGUMENT},
    {"AccessDeniedException", NULL, HBASE_ACTION_FAIL, STATUS_PERMISSION_DENIED},
    {"AccessControlException", NULL, HBASE_ACTION_FAIL, STATUS_PERMISSION_DENIED},
    {"AuthorizationException", NULL, HBASE_ACTION_FAIL, STATUS_PERMISSION_DENIED},
    {"UnknownProtocolException", NULL, HBASE_ACTION_FAIL, STATUS_UNIMPLEMENTED},
    {"DoNotRetryIOException", "UnsupportedOperationException", HBASE_ACTION_FAIL, STATUS_UNIMPLEMENTED},
    /* A cell over hbase.server.keyvalue.maxsize. */
    {"DoNotRetryIOException", "exceeds limit of", HBASE_ACTION_FAIL, STATUS_INVALID_ARGUMENT},
    {"DoNotRetryIOException", "already exists", HBASE_ACTION_FAIL, STATUS_ALREADY_EXISTS},

    /* The connection is not to be used: its user, its version, or how it began. */
    {"FatalConnectionException", NULL, HBASE_ACTION_FAIL, STATUS_FAILED_PRECONDITION},
    {"WrongVersionException", NULL, HBASE_ACTION_FAIL, STATUS_FAILED_PRECONDITION},
    {"BadAuthException", NULL, HBASE_ACTION_FAIL, STATUS_FAILED_PRECONDITION},
};
/* clang-format on */

static const struct rule fallback_fail = {"", NULL, HBASE_ACTION_FAIL, STATUS_FAILED_PRECONDITION};
static const struct rule fallback_pause = {"", NULL, HBASE_ACTION_PAUSE, STATUS_UNAVAILABLE};

/* "org.apache.hadoop.hbase.TableNotFoundException" -> "TableNotFoundException" */
static struct str cut_package(struct str class_name)
{
    for (size_t i = class_name.len; i > 0; i--)
        if (class_name.data[i - 1] == '.')
            return str_skip(class_name, i);
    return class_name;
}

static const struct rule *find_rule(struct str short_name, struct str text, bool do_not_retry)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (str_is(short_name, rules[i].class_name) &&
            (!rules[i].text || str_find(text, rules[i].text) < text.len))
            return &rules[i];
    }
    return do_not_retry ? &fallback_fail : &fallback_pause;
}

/* The message of the text's first line, which begins with the class's name, too. */
static struct str get_message(struct str class_name, struct str text)
{
    struct str line = str_trim(str_cut(&text, '\n'));

    if (line.len >= class_name.len &&
        str_is_equal(str_from_bytes(line.data, class_name.len), class_name))
        line = str_skip(line, class_name.len);
    if (str_has_prefix(line, ":"))
        line = str_skip(line, 1);
    return str_trim(line);
}

/* For "%.*s", at most max of it. */
static int get_shown(struct str text, int max)
{
    return text.len < (size_t)max ? (int)text.len : max;
}

static struct status make_status(enum status_code code, const char *server, struct str short_name,
                                 struct str message)
{
    return status_error(code, "%s: %.*s%s%.*s", server, get_shown(short_name, CLASS_BYTES),
                        short_name.data ? short_name.data : "", message.len > 0 ? ": " : "",
                        get_shown(message, TEXT_BYTES), message.data ? message.data : "");
}

/* The word behind label; "" if there is none. */
static struct str find_word(struct str text, const char *label)
{
    size_t at = str_find(text, label);

    if (at == text.len)
        return (struct str){"", 0};
    text = str_skip(text, at + strlen(label));
    return str_cut(&text, ' ');
}

/* "Region moved to: hostname=H port=P startCode=S. As of locationSeqNum=N." (RegionMovedException) */
static void read_moved(struct str message, struct hbase_fault *ret)
{
    struct str host = find_word(message, "hostname=");
    int64_t port;
    struct status st = number_read("port", find_word(message, "port="), 1, 65535, &port);

    if (st.code != STATUS_OK || host.len == 0 || host.len > HBASE_MAX_HOST_BYTES ||
        memchr(host.data, '\0', host.len))
        return;
    memcpy(ret->moved_host, host.data, host.len);
    ret->moved_host[host.len] = '\0';
    ret->moved_port = (int)port;
}

/* Takes "12.34" and leaves what is behind it; in thousandths. At most nine digits before the point count. */
static bool take_number(struct str *rest, int64_t *ret)
{
    int64_t number = 0, scale = 1000;
    bool is_fraction = false;
    size_t n = 0;

    for (; n < rest->len; n++) {
        char c = rest->data[n];
        if (c == '.' && !is_fraction) {
            is_fraction = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        if (is_fraction)
            scale /= 10;
        if (is_fraction ? scale > 0 : number < 1000000000)
            number = is_fraction ? number + (c - '0') * scale : number * 10 + (c - '0') * 1000;
    }
    *rest = str_skip(*rest, n);
    *ret = number;
    return n > 0;
}

/* The units as prefixes: "hrs", "mins" and "secs" mean the same as without s. */
static int64_t get_unit_ms(struct str unit)
{
    if (str_has_prefix(unit, "ms"))
        return 1;
    if (str_has_prefix(unit, "hr"))
        return 3600 * 1000;
    if (str_has_prefix(unit, "min"))
        return 60 * 1000;
    return str_has_prefix(unit, "sec") ? 1000 : 0;
}

/*
 * "... - wait 1min, 2sec, 30ms" (RpcThrottlingException), also "1mins, 2sec" and "2.50sec" of older ones.
 */
static int64_t read_throttle_ms(struct str message)
{
    static const char label[] = "wait ";
    size_t at = str_find(message, label);
    int64_t wait_ms = 0, number;

    if (at == message.len)
        return DEFAULT_THROTTLE_MS;
    message = str_skip(message, at + sizeof(label) - 1);
    while (wait_ms < MAX_THROTTLE_MS) {
        struct str part = str_trim(str_cut(&message, ','));
        if (!take_number(&part, &number))
            break;
        part = str_trim(part);
        if (get_unit_ms(part) == 0)
            break;
        wait_ms += number * get_unit_ms(part) / 1000;
    }
    if (wait_ms == 0)
        return DEFAULT_THROTTLE_MS;
    return wait_ms < MAX_THROTTLE_MS ? wait_ms : MAX_THROTTLE_MS;
}

void hbase_fault_read(struct str class_name, struct str text, bool do_not_retry, const char *server,
                      struct hbase_fault *ret)
{
    struct str short_name = cut_package(class_name);
    struct str message = get_message(class_name, text);
    const struct rule *rule = find_rule(short_name, message, do_not_retry);

    *ret = (struct hbase_fault){
        .action = rule->action,
        .status = make_status(rule->code, server, short_name, message),
    };
    if (rule->action == HBASE_ACTION_RELOCATE)
        read_moved(message, ret);
    if (rule->action == HBASE_ACTION_THROTTLE)
        ret->wait_ms = read_throttle_ms(message);
}

void hbase_fault_from_status(struct status st, struct hbase_fault *ret)
{
    bool is_lost = st.code == STATUS_UNAVAILABLE || st.code == STATUS_DEADLINE_EXCEEDED;

    *ret = (struct hbase_fault){
        .action = is_lost ? HBASE_ACTION_RECONNECT : HBASE_ACTION_FAIL,
        .status = st,
    };
}

/* Up to an eighth less, so that not all come back at once. Any number that differs between threads will do. */
static int64_t take_jitter(int64_t pause_ms)
{
    uint64_t mixed = (uint64_t)clock_get_monotonic_us() * UINT64_C(0x9e3779b97f4a7c15);

    return pause_ms - (int64_t)((mixed >> 32) % (uint64_t)(pause_ms / 8 + 1));
}

int64_t hbase_fault_get_pause_ms(const struct hbase_fault *fault, unsigned ntries)
{
    static const int factors[] = {1, 2, 3, 5, 10, 20, 40, 100}; /* HConstants.RETRY_BACKOFF */
    size_t i = ntries == 0 ? 0 : ntries - 1;
    int64_t pause_ms = PAUSE_MS;

    if (fault->action == HBASE_ACTION_FAIL)
        return 0;
    /* A server that says so again and again is not asked without end in between. */
    if (fault->action == HBASE_ACTION_AT_ONCE && ntries <= 1)
        return 0;
    if (fault->action == HBASE_ACTION_THROTTLE)
        return fault->wait_ms;
    if (fault->action == HBASE_ACTION_OVERLOAD)
        pause_ms = OVERLOAD_PAUSE_MS;
    pause_ms *= factors[i < ARRAY_LEN(factors) ? i : ARRAY_LEN(factors) - 1];
    return take_jitter(pause_ms < MAX_PAUSE_MS ? pause_ms : MAX_PAUSE_MS);
}
