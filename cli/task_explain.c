#include "cli/task_explain.h"

#include <stdio.h>

#include "base/mem.h"
#include "cli/session.h"
#include "cli/table.h"
#include "sluice/v1/task_service.pb-c.h"

/* What servers and users have written is shown without what would control the terminal. */
static void print_plain(const char *text)
{
    char *plain = table_copy_plain(str_from(text));

    (void)puts(plain);
    mem_free(plain);
}

static void print_explanation(const Pb__TaskExplanation *reply)
{
    print_plain(reply->text);
    for (size_t i = 0; i < reply->n_jobs; i++) {
        const Pb__JobExplanation *job = reply->jobs[i];

        (void)printf("%s%s %s: ", i == 0 ? "\n" : "",
                     session_name_value(&pb__job_role__descriptor, (int)job->role), job->id);
        print_plain(job->text);
    }
}

struct status task_explain(const struct cli_settings *settings, const char *const *operands,
                           int *ret_exit)
{
    Pb__ExplainTaskRequest request = PB__EXPLAIN_TASK_REQUEST__INIT;
    const ProtobufCMessage *reply = NULL;
    struct session *session = NULL;
    struct status st = session_open(settings, &session);

    (void)ret_exit;
    if (st.code != STATUS_OK)
        return st;
    request.id = (char *)(uintptr_t)operands[0];
    st = session_call(session, "/sluice.v1.TaskService/ExplainTask", &request.base,
                      &pb__task_explanation__descriptor, &reply);
    if (st.code == STATUS_OK && session_wants_json(session))
        session_print_json(reply);
    else if (st.code == STATUS_OK)
        print_explanation((const Pb__TaskExplanation *)reply);
    session_close(session);
    return st;
}
