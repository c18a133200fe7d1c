/*
 * tests/unit/gateway/test_task_id.c - which texts can be ids of tasks.
 */
#include "gateway/task_id.h"

#include "base/compiler.h"
#include "tests/harness/test.h"

#define HEX "0123456789abcdef0123456789abcdef"

test(task_id_has_a_number_and_hex_digits)
{
    check(task_id_is_valid(str_from("proc-1-" HEX)));
    check(task_id_is_valid(str_from("proc-123456789012345678-" HEX)));
}

test(task_id_of_other_kinds_has_no_number)
{
    check(task_id_is_valid(str_from("workflow-" HEX)));
    check(task_id_is_valid(str_from("wal-" HEX)));
}

test(task_id_refuses_all_else)
{
    static const char *const texts[] = {
        "",
        "x1",
        "proc",
        "proc-",
        "proc--" HEX,
        "proc-0-" HEX,
        "proc-01-" HEX,
        "proc-+1-" HEX,
        "proc- 1-" HEX,
        "proc-1234567890123456789-" HEX,
        "proc-1-" HEX "0",
        "proc-1-0123456789abcdef0123456789abcde",
        "proc-1-0123456789ABCDEF0123456789abcdef",
        "proc-1-0123456789abcdef0123456789abcdeg",
        "proc-1-" HEX "-",
        "Proc-1-" HEX,
        "workflow-1-" HEX,
        "workflow-",
        "wal-" HEX "0",
        "fulldata-" HEX,
        "' OR true --",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        check(!task_id_is_valid(str_from(texts[i])));
}

test(task_id_takes_any_bytes)
{
    check(!task_id_is_valid(str_from_bytes("proc-1\0-", 8)));
    check(!task_id_is_valid(str_from_bytes(NULL, 0)));
}
