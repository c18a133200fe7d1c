#include "store/sqlstate.h"

#include "base/compiler.h"
#include "tests/harness/test.h"

test(sqlstate_becomes_the_code_of_its_row)
{
    static const struct {
        const char *sqlstate;
        enum status_code code;
    } cases[] = {
        {"22001", STATUS_INVALID_ARGUMENT},
        {"22P02", STATUS_INVALID_ARGUMENT},
        {"23505", STATUS_ALREADY_EXISTS},
        {"23503", STATUS_FAILED_PRECONDITION},
        {"23514", STATUS_FAILED_PRECONDITION},
        {"23502", STATUS_INTERNAL},
        {"40001", STATUS_ABORTED},
        {"40P01", STATUS_ABORTED},
        {"53300", STATUS_RESOURCE_EXHAUSTED},
        {"57014", STATUS_DEADLINE_EXCEEDED},
        {"57P01", STATUS_UNAVAILABLE},
        {"57P03", STATUS_UNAVAILABLE},
        {"08006", STATUS_UNAVAILABLE},
        {"42P01", STATUS_INTERNAL},
        {"XX000", STATUS_INTERNAL},
        {"", STATUS_INTERNAL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_int(sqlstate_get_code(cases[i].sqlstate), cases[i].code);
}
