#include "store/statements.h"

#include "store/access_token_store.h"
#include "store/bad_row_store.h"
#include "store/check_store.h"
#include "store/data_source_store.h"
#include "store/difference_store.h"
#include "store/explain_store.h"
#include "store/figure_store.h"
#include "store/job_store.h"
#include "store/plan_store.h"
#include "store/retention_store.h"
#include "store/task_event_store.h"
#include "store/task_store.h"
#include "store/task_watch_store.h"

const struct statement *const store_statements[] = {
    &task_create,
    &task_get,
    &task_list,
    &task_abort,
    &task_retry,
    &task_delete,
    &task_update,
    &task_event_list,
    &task_explain,
    &task_watch_changes,
    &task_watch_current,
    &task_watch_sweep,
    &job_lease,
    &plan_base_get,
    &job_report,
    &job_finish,
    &data_source_create,
    &data_source_get,
    &data_source_list,
    &data_source_update,
    &data_source_delete,
    &check_create,
    &check_lease,
    &check_give_back,
    &check_finish,
    &check_poll,
    &check_drop,
    &bad_row_add,
    &bad_row_list,
    &difference_add,
    &difference_list,
    &retention_hold,
    &retention_task_find,
    &retention_task_remove,
    &retention_event_find,
    &retention_event_remove,
    &access_token_list,
    &access_token_note_use,
    &figure_jobs,
    &figure_ends,
    NULL,
};
