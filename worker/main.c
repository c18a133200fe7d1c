/*
 * worker/main.c - sluice-worker: does the work.
 */
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "base/id.h"
#include "base/log.h"
#include "base/options.h"
#include "base/thread.h"
#include "rpc/client.h"
#include "worker/checker.h"
#include "worker/engine.h"

struct settings {
    struct options_common common;
    const char *gateway;
    const char *worker_id;
    int64_t max_jobs;
    int64_t grace_ms;
};

enum { WORKER_ID_MAX_BYTES = 128 };

static const struct option_row rows[] = {
    {.name = "gateway",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, gateway),
     .default_value = "127.0.0.1:50051",
     .value_name = "HOST:PORT",
     .help = "the gateway to lease jobs from"},
    {.name = "worker-id",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, worker_id),
     .value_name = "NAME",
     .help = "what to call this worker; default is host, process and a random part"},
    {.name = "max-jobs",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct settings, max_jobs),
     .default_value = "2",
     .min = 1,
     .max = ENGINE_MAX_JOBS,
     .value_name = "N",
     .help = "how many jobs to run at once"},
    {.name = "grace-ms",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct settings, grace_ms),
     .default_value = "4000",
     .min = 0,
     .max = 600000,
     .unit = "ms",
     .value_name = "MS",
     .help = "how long to wait for jobs to give themselves back at the end"},
    OPTIONS_COMMON_ROWS(struct settings, common),
};

static const struct option_table table = {
    .program = "sluice-worker",
    .summary = "Leases jobs from a Sluice gateway and runs them: reads files and writes tables.",
    .rows = rows,
    .nrows = ARRAY_LEN(rows),
};

static void make_worker_id(char ret[WORKER_ID_MAX_BYTES])
{
    char host[64] = "";
    char random[ID_HEX_BYTES];

    (void)gethostname(host, sizeof(host) - 1);
    id_make_hex(random);
    (void)snprintf(ret, WORKER_ID_MAX_BYTES, "%s-%d-%.8s", host, (int)getpid(), random);
}

static struct status serve(const struct settings *settings, const char *worker_id)
{
    struct rpc_loop *loop = NULL;
    struct engine *engine = NULL;
    struct checker *checker = NULL;
    struct status st = rpc_loop_create(1, &loop);

    if (st.code != STATUS_OK)
        return st;
    struct rpc_channel *channel = rpc_channel_open(&(struct rpc_channel_options){
        .target = settings->gateway, .loop = loop, .user_agent = "sluice-worker"});
    st = engine_create(&(struct engine_options){.channel = channel,
                                                .worker_id = worker_id,
                                                .max_jobs = (unsigned)settings->max_jobs},
                       &engine);
    if (st.code == STATUS_OK)
        st = checker_create(channel, worker_id, &checker);
    if (st.code == STATUS_OK) {
        log_info("started", log_str("worker", worker_id), log_str("gateway", settings->gateway));
        int number = thread_wait_for_stop();
        log_info("stopping", log_int("signal", number));
    }
    checker_stop(checker);
    engine_destroy(engine, (unsigned)settings->grace_ms);
    checker_destroy(checker);
    rpc_channel_close(channel);
    rpc_loop_destroy(loop);
    return st;
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    char made_id[WORKER_ID_MAX_BYTES];

    thread_block_signals();
    int exit_code = options_start(&table, argc, argv, &settings, &settings.common, NULL);
    if (exit_code != OPTIONS_GO_ON)
        return exit_code;

    /* Each thread's own heap would hold on to what large records once needed. */
    (void)mallopt(M_ARENA_MAX, 2);
    make_worker_id(made_id);
    struct status st = serve(&settings, settings.worker_id ? settings.worker_id : made_id);
    if (st.code != STATUS_OK) {
        log_error("not started", log_code(st), log_str("error", st.text));
        return 1;
    }
    log_info("stopped", log_bool("is_clean", true));
    return 0;
}
