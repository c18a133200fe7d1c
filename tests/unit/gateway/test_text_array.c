/*
 * tests/unit/gateway/test_text_array.c - arrays for statements, and names of enums.
 */
#include "gateway/text_array.h"

#include "gateway/enum_text.h"
#include "sluice/v1/task.pb-c.h"
#include "tests/harness/test.h"

test(text_array_quotes_each_element)
{
    struct buf array = {0};

    text_array_add(&array, "plain");
    check_str(buf_get_text(&array), "{\"plain\"}");
    text_array_add(&array, "");
    text_array_add(&array, "a\"b\\c,{d}");
    text_array_add(&array, "NULL");
    check_str(buf_get_text(&array), "{\"plain\",\"\",\"a\\\"b\\\\c,{d}\",\"NULL\"}");
    buf_deinit(&array);
}

test(enum_text_is_the_name_without_prefix)
{
    const ProtobufCEnumDescriptor *type = &pb__task_state__descriptor;

    check_str(enum_text_find(type, PB__TASK_STATE__TASK_STATE_RUNNING), "RUNNING");
    check_str(enum_text_find(type, 0), "UNSPECIFIED");
    check_str(enum_text_find(type, 99), NULL);
    check_str(enum_text_find(type, -1), NULL);
}

test(enum_text_is_read_back)
{
    int value = -1;

    check(enum_text_read(&pb__task_state__descriptor, str_from("KILLED"), &value));
    check_int(value, PB__TASK_STATE__TASK_STATE_KILLED);
    check(!enum_text_read(&pb__task_state__descriptor, str_from("killed"), &value));
    check(!enum_text_read(&pb__task_state__descriptor, str_from(""), &value));
    check_int(value, PB__TASK_STATE__TASK_STATE_KILLED);
}
