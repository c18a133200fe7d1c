#include "gateway/method_scope.h"

#include <string.h>

#include "base/compiler.h"

const struct method_scope *method_scope_find(struct str path)
{
    for (size_t i = 0; i < method_scopes_count; i++) {
        const struct method_scope *row = &method_scopes[i];
        size_t len = strlen(row->path);
        bool is_service = row->path[len - 1] == '/';

        if (is_service ? str_has_prefix(path, row->path) : str_is(path, row->path))
            return row;
    }
    return NULL;
}

#define TASK(method) "/sluice.v1.TaskService/" method
#define SOURCE(method) "/sluice.v1.DataSourceService/" method

/* Those that are called most come first. */
const struct method_scope method_scopes[] = {
    {"/sluice.worker.v1.WorkerService/", TOKEN_WORKER, false},
    {TASK("GetTask"), TOKEN_READ, false},
    {TASK("ListTasks"), TOKEN_READ, false},
    {TASK("CreateTask"), TOKEN_WRITE, false},
    {TASK("WatchTask"), TOKEN_READ, false},
    {TASK("WatchTasks"), TOKEN_READ, false},
    {TASK("UpdateTask"), TOKEN_WRITE, false},
    {TASK("AbortTask"), TOKEN_WRITE, false},
    {TASK("RetryTask"), TOKEN_WRITE, false},
    {TASK("DeleteTask"), TOKEN_WRITE, false},
    {TASK("ExplainTask"), TOKEN_READ, false},
    {TASK("ListTaskEvents"), TOKEN_READ, false},
    {TASK("ListBadRows"), TOKEN_READ, false},
    {TASK("ListDifferences"), TOKEN_READ, false},
    {SOURCE("GetDataSource"), TOKEN_READ, false},
    {SOURCE("ListDataSources"), TOKEN_READ, false},
    {SOURCE("CheckDataSource"), TOKEN_WRITE, false}, /* it has a worker connect to something */
    {SOURCE("CreateDataSource"), TOKEN_ADMIN, false},
    {SOURCE("UpdateDataSource"), TOKEN_ADMIN, false},
    {SOURCE("DeleteDataSource"), TOKEN_ADMIN, false},
    {"/sluice.carrier.v1.Carrier/", TOKEN_READ, true}, /* each of its calls is asked for a token */
    {"/grpc.health.v1.Health/", TOKEN_READ, true},
    {"/grpc.reflection.v1.ServerReflection/", TOKEN_READ, false},
    {"/grpc.reflection.v1alpha.ServerReflection/", TOKEN_READ, false},
};

const size_t method_scopes_count = ARRAY_LEN(method_scopes);
