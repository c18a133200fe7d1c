#include "tests/unit/hbase/fake_master.h"

#include <string.h>

#include "tests/harness/test.h"

static const struct fake_step *take_step(struct fake_master *master, const char *method)
{
    const struct fake_step *found = NULL;
    size_t at = 0;

    for (size_t i = 0; i < master->nsteps; i++) {
        if (strcmp(master->steps[i].method, method) != 0 || master->is_used[i])
            continue;
        if (found) { /* there is another one for the next call */
            master->is_used[at] = true;
            return found;
        }
        found = &master->steps[i];
        at = i;
    }
    return found;
}

static void answer(void *self, struct fake_call *call)
{
    struct fake_master *master = self;

    (void)pthread_mutex_lock(&master->mutex);
    const struct fake_step *step = take_step(master, call->method);
    (void)pthread_mutex_unlock(&master->mutex);
    if (!step)
        fake_call_throw(call, "org.apache.hadoop.hbase.DoNotRetryIOException", "not in the script",
                        FAKE_DO_NOT_RETRY);
    else if (step->hangs_up)
        fake_call_hang_up(call);
    else if (step->exception)
        fake_call_throw(call, step->exception, step->text, FAKE_DO_NOT_RETRY);
    else
        fake_call_reply(call, step->reply, (struct str){0});
}

void fake_master_open(struct fake_master *master, const struct fake_step *steps, size_t nsteps)
{
    check(nsteps <= FAKE_MASTER_MAX_STEPS);
    *master = (struct fake_master){.steps = steps, .nsteps = nsteps};
    (void)pthread_mutex_init(&master->mutex, NULL);
    master->base.on_call = answer;
    master->base.self = master;
    cluster_fixture_open(&master->base);
}

void fake_master_close(struct fake_master *master)
{
    cluster_fixture_close(&master->base);
    (void)pthread_mutex_destroy(&master->mutex);
}

const ProtobufCMessage *fake_master_get(struct fake_master *master, const char *method, unsigned n,
                                        const ProtobufCMessageDescriptor *type)
{
    return fake_call_read(fake_server_wait_call(master->base.server, method, n), type);
}
