#include "base/failpoint.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/number.h"

enum { POLL_US = 10000, MAX_HANG_MS = 600000, MAX_HITS = 1000000000 };

/* Each place and what "error" does there. tests/chaos reads these rows, and strikes each of them. */
static const struct {
    const char *name;
    const char *error;
} points[] = {
    {"store.before-commit", "the connection is lost before the batch is sent"},
    {"store.commit-sent", "the connection is lost when the batch is on its way"},
    {"store.after-commit", "the connection is lost before the answer is read"},
    {"gateway.after-lease", "the worker is answered UNAVAILABLE"},
    {"worker.after-lease", "the job is not started, and nobody is told"},
    {"worker.before-checkpoint", "it is not saved, and the job ends for a passing reason"},
    {"worker.after-checkpoint", "it is saved, and the job ends for a passing reason"},
    {"worker.before-finish", "the gateway is not told"},
    {"worker.after-finish", "the worker believes that the gateway has refused"},
    {"postgres.in-copy", "the connection is cut between two batches of rows"},
    {"postgres.before-commit", "the connection is cut before the group that commits"},
    {"postgres.after-commit", "the connection is cut before the answer is known"},
};
static_assert(ARRAY_LEN(points) <= FAILPOINT_MAX, "a rule for each place");

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct failpoint_rules told; /* written once, before any place reads it */
static atomic_llong nhits[ARRAY_LEN(points)];

static size_t find_point(struct str name)
{
    size_t i = 0;

    while (i < ARRAY_LEN(points) && !str_is(name, points[i].name))
        i++;
    return i;
}

static struct status read_action(struct str text, struct failpoint_rule *ret)
{
    struct str argument = text;
    struct str action = str_cut(&argument, ':');

    if (str_is(text, "crash")) {
        ret->action = FAILPOINT_CRASH;
        return status_ok();
    }
    if (str_is(text, "error")) {
        ret->action = FAILPOINT_ERROR;
        return status_ok();
    }
    if (str_is(action, "hang")) {
        ret->action = FAILPOINT_HANG;
        return number_read("hang", argument, 0, MAX_HANG_MS, &ret->hang_ms);
    }
    if (str_is(action, "wait") && argument.len > 0 && argument.len < sizeof(ret->path)) {
        ret->action = FAILPOINT_WAIT;
        memcpy(ret->path, argument.data, argument.len);
        return status_ok();
    }
    return status_error(STATUS_INVALID_ARGUMENT,
                        "'%.*s' is none of crash, error, hang:MS and wait:PATH", (int)text.len,
                        text.data);
}

static struct status read_rule(struct str text, struct failpoint_rules *ret)
{
    struct str rest = text;
    struct str name = str_cut(&rest, '=');
    struct str action = str_cut(&rest, '@');
    struct failpoint_rule rule = {.at_hit = 1};
    size_t point = find_point(name);

    if (point == ARRAY_LEN(points))
        return status_error(STATUS_INVALID_ARGUMENT, "there is no failpoint '%.*s'", (int)name.len,
                            name.data);
    struct status st = read_action(action, &rule);
    if (st.code == STATUS_OK && rest.len > 0)
        st = number_read("the number of the hit", rest, 1, MAX_HITS, &rule.at_hit);
    if (st.code == STATUS_OK)
        ret->rules[point] = rule;
    return st;
}

struct status failpoint_read(struct str text, struct failpoint_rules *ret)
{
    struct failpoint_rules rules = {0};
    struct status st = status_ok();

    while (text.len > 0 && st.code == STATUS_OK)
        st = read_rule(str_cut(&text, ','), &rules);
    if (st.code == STATUS_OK)
        *ret = rules;
    return st;
}

const struct failpoint_rule *failpoint_find(const struct failpoint_rules *rules, const char *name)
{
    size_t point = find_point(str_from(name));

    assert(point < ARRAY_LEN(points)); /* a place without a row of the table */
    return &rules->rules[point];
}

static void read_environment(void)
{
    struct status st = failpoint_read(str_from(getenv("SLUICE_FAILPOINTS")), &told);

    if (st.code == STATUS_OK)
        return;
    log_error("SLUICE_FAILPOINTS is wrong", log_str("error", st.text));
    abort();
}

static void wait_for(const struct failpoint_rule *rule)
{
    if (rule->action == FAILPOINT_HANG)
        (void)usleep((useconds_t)rule->hang_ms * 1000);
    while (rule->action == FAILPOINT_WAIT && access(rule->path, F_OK) != 0)
        (void)usleep(POLL_US);
}

bool failpoint_strike(const char *name)
{
    (void)pthread_once(&once, read_environment);

    const struct failpoint_rule *rule = failpoint_find(&told, name);
    size_t point = (size_t)(rule - told.rules);
    if (rule->action == FAILPOINT_NONE || atomic_fetch_add(&nhits[point], 1) + 1 != rule->at_hit)
        return false;
    log_warn("failpoint", log_str("name", name), log_str("error", points[point].error));
    if (rule->action == FAILPOINT_CRASH)
        (void)kill(getpid(), SIGKILL);
    wait_for(rule);
    return rule->action == FAILPOINT_ERROR;
}
