#include "rpc/repeat.h"

#include "base/number.h"
#include "base/random.h"
#include "rpc/calling.h"

enum {
    MAX_TRIES = 5,
    FIRST_DELAY_MS = 100, /* doubled each time */
    MAX_DELAY_MS = 1000,
    MAX_FAILED = 500,
};

/* A fifth less or more at random, so that not all come back at the same time. */
static unsigned choose_delay_ms(unsigned ntries)
{
    unsigned delay_ms = (unsigned)FIRST_DELAY_MS << (ntries - 1);
    unsigned more = 0;

    if (delay_ms > MAX_DELAY_MS)
        delay_ms = MAX_DELAY_MS;
    random_fill(&more, sizeof(more));
    return delay_ms - delay_ms / 5 + more % (2 * delay_ms / 5);
}

/* A server may say when, or by what is no number that it helps nothing (gRFC A6, "Pushback"). */
static bool is_allowed(const struct rpc_outcome *outcome, unsigned *delay_ms)
{
    int64_t asked_ms = 0;

    if (!outcome->pushback.data)
        return true;
    if (number_read("pushback", outcome->pushback, 0, INT32_MAX, &asked_ms).code != STATUS_OK)
        return false;
    *delay_ms = (unsigned)asked_ms;
    return true;
}

/* A server that goes, or something in between, may also cancel calls, without a reason of its own. */
static bool is_dropped(const struct rpc_outcome *outcome)
{
    return outcome->code == GRPC_STATUS_UNAVAILABLE ||
           (outcome->code == GRPC_STATUS_CANCELLED && outcome->details.len == 0);
}

bool rpc_repeat_is_due(struct rpc_repeat *repeat, const struct rpc_outcome *outcome,
                       unsigned ntries, unsigned *ret_delay_ms)
{
    if (!is_dropped(outcome)) {
        repeat->nfailed -= outcome->code == GRPC_STATUS_OK && repeat->nfailed > 0;
        return false;
    }
    if (repeat->nfailed < 2 * MAX_FAILED)
        repeat->nfailed++;
    unsigned delay_ms = choose_delay_ms(ntries);
    if (ntries >= MAX_TRIES || repeat->nfailed >= MAX_FAILED || !is_allowed(outcome, &delay_ms))
        return false;
    *ret_delay_ms = delay_ms;
    return true;
}
