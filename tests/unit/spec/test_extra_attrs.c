/*
 * tests/unit/spec/test_extra_attrs.c - which settings of a task that exists can change.
 */
#include "spec/extra_attrs.h"

#include <string.h>

#include "base/compiler.h"
#include "tests/harness/test.h"

test(only_the_bandwidth_of_a_task_can_change)
{
    static const struct {
        const char *stored, *wanted;
        const char *refusal; /* of the first that is refused; NULL: none is */
    } cases[] = {
        {"", "", NULL},
        {"", "{}", NULL},
        {"", "{\"bandWidth\": 5}", NULL},
        {"{\"bandWidth\": 5}", "", NULL},
        {"{\"bandWidth\": 5, \"full\": true}", "{\"full\":true,\"bandWidth\":6}", NULL},
        {"{\"cols\": [\"a\", \"b\"]}", "{\"cols\":[\"a\",\"b\"],\"bandWidth\":6}", NULL},
        {"{\"full\": true}", "{\"bandWidth\": 5}", "extraAttrs.full"},
        {"{\"full\": true}", "", "extraAttrs.full"},
        {"{\"full\": true}", "{\"full\": false}", "extraAttrs.full"},
        {"", "{\"verify\": \"full\"}", "extraAttrs.verify"},
        {"{\"cols\": [\"a\", \"b\"]}", "{\"cols\": [\"b\", \"a\"]}", "extraAttrs.cols"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct violations violations = {0};

        extra_attrs_refuse_changes("a.field", cases[i].stored, cases[i].wanted, &violations);
        check_int(violations.count, cases[i].refusal != NULL);
        if (!cases[i].refusal)
            continue;
        check_str(violations.items[0].field, "a.field");
        struct str key = str_from(violations.items[0].text);
        check(str_is(str_cut(&key, ':'), cases[i].refusal));
        check_str(key.data, " cannot be changed; of a task that exists only bandWidth can");
    }
}

test(what_is_no_object_is_refused_as_that)
{
    struct violations violations = {0};

    extra_attrs_refuse_changes("a.field", "{\"full\": true}", "[]", &violations);
    check_int(violations.count, 1);
    check_str(violations.items[0].text, "extraAttrs is an array; a JSON object is expected");
}

/* A key of any length, which is cut where it is shown. */
test(a_long_key_is_another_one)
{
    struct violations violations = {0};
    char wanted[200] = "{\"";

    memset(wanted + 2, 'a', 150);
    memcpy(wanted + 152, "\":1}", 5);
    extra_attrs_refuse_changes("a.field", "", wanted, &violations);
    check_int(violations.count, 1);
}
