#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "hbase/fault.h"
#include "tests/harness/test.h"

#define HB "org.apache.hadoop.hbase."

static struct hbase_fault read_fault(const char *class_name, const char *message, bool do_not_retry)
{
    struct hbase_fault fault;
    struct buf text = {0};

    buf_printf(&text, "%s: %s\n\tat org.apache.X.y(X.java:1)\nCaused by: z\n", class_name, message);
    hbase_fault_read(str_from(class_name), buf_get(&text), do_not_retry, "rs1:16020", &fault);
    buf_deinit(&text);
    return fault;
}

static const struct {
    const char *class_name;
    const char *text;
    bool do_not_retry;
    enum hbase_action action;
    enum status_code code;
} class_cases[] = {
    {HB "NotServingRegionException", "x", false, HBASE_ACTION_RELOCATE, STATUS_UNAVAILABLE},
    {HB "exceptions.RegionOpeningException", "x", false, HBASE_ACTION_PAUSE, STATUS_UNAVAILABLE},
    {HB "RegionTooBusyException", "x", false, HBASE_ACTION_OVERLOAD, STATUS_UNAVAILABLE},
    {HB "CallQueueTooBigException", "x", false, HBASE_ACTION_OVERLOAD, STATUS_UNAVAILABLE},
    {HB "CallDroppedException", "x", false, HBASE_ACTION_OVERLOAD, STATUS_UNAVAILABLE},
    {HB "quotas.RpcThrottlingException", "x", false, HBASE_ACTION_THROTTLE,
     STATUS_RESOURCE_EXHAUSTED},
    {HB "quotas.ThrottlingException", "x", true, HBASE_ACTION_THROTTLE, STATUS_RESOURCE_EXHAUSTED},
    {HB "RetryImmediatelyException", "x", false, HBASE_ACTION_AT_ONCE, STATUS_UNAVAILABLE},
    {HB "MultiActionResultTooLarge", "x", false, HBASE_ACTION_AT_ONCE, STATUS_UNAVAILABLE},
    {HB "exceptions.RequestTooBigException", "x", true, HBASE_ACTION_FAIL, STATUS_INVALID_ARGUMENT},
    {HB "quotas.QuotaExceededException", "x", true, HBASE_ACTION_FAIL, STATUS_RESOURCE_EXHAUSTED},
    {HB "regionserver.NoSuchColumnFamilyException", "x", true, HBASE_ACTION_FAIL,
     STATUS_FAILED_PRECONDITION},
    {HB "TableNotFoundException", "x", true, HBASE_ACTION_FAIL, STATUS_NOT_FOUND},
    {HB "NamespaceNotFoundException", "x", true, HBASE_ACTION_FAIL, STATUS_NOT_FOUND},
    {HB "TableExistsException", "x", true, HBASE_ACTION_FAIL, STATUS_ALREADY_EXISTS},
    {HB "NamespaceExistException", "x", true, HBASE_ACTION_FAIL, STATUS_ALREADY_EXISTS},
    {HB "TableNotEnabledException", "x", true, HBASE_ACTION_FAIL, STATUS_FAILED_PRECONDITION},
    {HB "security.AccessDeniedException", "x", true, HBASE_ACTION_FAIL, STATUS_PERMISSION_DENIED},
    {HB "exceptions.FailedSanityCheckException", "x", true, HBASE_ACTION_FAIL,
     STATUS_INVALID_ARGUMENT},
    {HB "exceptions.FailedSanityCheckException",
     "Requested row out of range for doMiniBatchMutation on HRegion t1", true,
     HBASE_ACTION_RELOCATE, STATUS_UNAVAILABLE},
    {HB "regionserver.WrongRegionException", "x", false, HBASE_ACTION_RELOCATE, STATUS_UNAVAILABLE},
    {HB "regionserver.RegionServerStoppedException", "x", false, HBASE_ACTION_RECONNECT,
     STATUS_UNAVAILABLE},
    {HB "regionserver.RegionServerAbortedException", "x", false, HBASE_ACTION_RECONNECT,
     STATUS_UNAVAILABLE},
    {HB "ipc.ServerNotRunningYetException", "x", false, HBASE_ACTION_RECONNECT, STATUS_UNAVAILABLE},
    {"java.io.IOException", "Cannot append; log is closed, regionName = x", false,
     HBASE_ACTION_RECONNECT, STATUS_UNAVAILABLE},
    {"java.io.IOException", "x", false, HBASE_ACTION_PAUSE, STATUS_UNAVAILABLE},
    {HB "PleaseHoldException", "x", false, HBASE_ACTION_FIND_MASTER, STATUS_UNAVAILABLE},
    {HB "exceptions.MasterStoppedException", "x", true, HBASE_ACTION_FIND_MASTER,
     STATUS_UNAVAILABLE},
    {HB "UnknownScannerException", "x", true, HBASE_ACTION_REOPEN, STATUS_UNAVAILABLE},
    {HB "exceptions.ScannerResetException", "x", true, HBASE_ACTION_REOPEN, STATUS_UNAVAILABLE},
    {HB "exceptions.OutOfOrderScannerNextException", "x", true, HBASE_ACTION_REOPEN,
     STATUS_UNAVAILABLE},
    {HB "regionserver.LeaseException", "x", true, HBASE_ACTION_REOPEN, STATUS_UNAVAILABLE},
    {HB "ipc.FatalConnectionException", "x", true, HBASE_ACTION_FAIL, STATUS_FAILED_PRECONDITION},
    {HB "DoNotRetryIOException",
     "/1.2.3.4:16000 is unable to read call parameter from client 1.2.3.4; "
     "java.lang.UnsupportedOperationException: GetActiveMaster",
     true, HBASE_ACTION_FAIL, STATUS_UNIMPLEMENTED},
    {HB "DoNotRetryIOException", "Cell[r1/f:q] with size 11 exceeds limit of 10 bytes", true,
     HBASE_ACTION_FAIL, STATUS_INVALID_ARGUMENT},
    {HB "DoNotRetryIOException", "region is read only", true, HBASE_ACTION_FAIL,
     STATUS_FAILED_PRECONDITION},
    {"com.example.NeverHeardOf", "x", false, HBASE_ACTION_PAUSE, STATUS_UNAVAILABLE},
    {"com.example.NeverHeardOf", "x", true, HBASE_ACTION_FAIL, STATUS_FAILED_PRECONDITION},
    {"NoPackage", "x", true, HBASE_ACTION_FAIL, STATUS_FAILED_PRECONDITION},
    {"", "x", false, HBASE_ACTION_PAUSE, STATUS_UNAVAILABLE},
};

test(each_class_says_what_to_do)
{
    for (size_t i = 0; i < ARRAY_LEN(class_cases); i++) {
        struct hbase_fault fault =
            read_fault(class_cases[i].class_name, class_cases[i].text, class_cases[i].do_not_retry);

        if (fault.action != class_cases[i].action)
            printf("class %s\n", class_cases[i].class_name);
        check_int(fault.action, class_cases[i].action);
        check_status(fault.status, class_cases[i].code);
    }
}

test(the_text_names_server_class_and_first_line)
{
    check_str(read_fault(HB "TableNotFoundException", "t1", true).status.text,
              "rs1:16020: TableNotFoundException: t1");
}

test(texts_of_any_shape_are_shown)
{
    static const struct {
        const char *class_name;
        const char *text;
        const char *expected;
    } cases[] = {
        {HB "TableNotFoundException", "", "rs1:16020: TableNotFoundException"},
        {HB "TableNotFoundException", "t1", "rs1:16020: TableNotFoundException: t1"},
        {HB "TableNotFoundException", HB "TableNotFoundException",
         "rs1:16020: TableNotFoundException"},
        {HB "TableNotFoundException", "\n\nt1", "rs1:16020: TableNotFoundException"},
        {HB "TableNotFoundException", "a\xff", "rs1:16020: TableNotFoundException: a?"},
        {"", "", "rs1:16020: "},
        {"x.", "y", "rs1:16020: : y"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct hbase_fault fault;

        hbase_fault_read(str_from(cases[i].class_name), str_from(cases[i].text), false, "rs1:16020",
                         &fault);
        check_str(fault.status.text, cases[i].expected);
    }
}

test(a_moved_region_says_where_to)
{
    struct hbase_fault fault = read_fault(
        HB "exceptions.RegionMovedException",
        "Region moved to: hostname=rs2.example port=16021 startCode=1700000000000. As of "
        "locationSeqNum=42.",
        false);

    check_int(fault.action, HBASE_ACTION_RELOCATE);
    check_str(fault.moved_host, "rs2.example");
    check_int(fault.moved_port, 16021);
}

test(a_moved_region_that_does_not_say_where_to_is_looked_for)
{
    static const char *const texts[] = {
        "Region moved to: hostname= port=16021 startCode=1.",
        "Region moved to: hostname=rs2 port=0 startCode=1.",
        "Region moved to: hostname=rs2 port=65536 startCode=1.",
        "Region moved to: hostname=rs2 port=x startCode=1.",
        "Region moved to: hostname=rs2",
        "x",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct hbase_fault fault =
            read_fault(HB "exceptions.RegionMovedException", texts[i], false);
        check_int(fault.action, HBASE_ACTION_RELOCATE);
        check_str(fault.moved_host, "");
    }
}

test(host_names_have_a_limit)
{
    char text[400], host[HBASE_MAX_HOST_BYTES + 2];

    for (size_t len = HBASE_MAX_HOST_BYTES; len <= HBASE_MAX_HOST_BYTES + 1; len++) {
        memset(host, 'h', len);
        host[len] = '\0';
        (void)snprintf(text, sizeof(text), "hostname=%s port=1 startCode=1", host);
        struct hbase_fault fault = read_fault("RegionMovedException", text, false);
        check_str(fault.moved_host, len <= HBASE_MAX_HOST_BYTES ? host : "");
    }
}

test(a_throttle_says_how_long_to_wait)
{
    static const struct {
        const char *text;
        int64_t wait_ms;
    } cases[] = {
        {"number of requests exceeded - wait 250ms", 250},
        {"number of requests exceeded - wait 2sec, 10ms", 2010},
        {"read size limit exceeded - wait 1min, 2sec, 3ms", 62003},
        {"read size limit exceeded - wait 2mins, 0sec, 0ms", 120000},
        {"write size limit exceeded - wait 1hr, 0ms", 600000}, /* the most that is waited */
        {"write size limit exceeded - wait 2hrs, 1mins, 4sec", 600000},
        {"x - wait 999999999999999999999999hrs", 600000},
        {"x - wait 1mins, 2sec", 62000},
        {"x - wait 0.03sec", 30},
        {"x - wait 2.5sec", 2500},
        {"x - wait 1.23456sec", 1234},
        {"x - wait 0ms", 1000},
        {"x - wait soon", 1000},
        {"x - wait 5", 1000},
        {"x - wait -5ms", 1000},
        {"x", 1000},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct hbase_fault fault =
            read_fault(HB "quotas.RpcThrottlingException", cases[i].text, false);
        check_int(fault.wait_ms, cases[i].wait_ms);
        check_int(hbase_fault_get_pause_ms(&fault, 1), cases[i].wait_ms);
        check_int(hbase_fault_get_pause_ms(&fault, 9), cases[i].wait_ms);
    }
}

test(what_has_no_answer_is_tried_at_a_new_connection)
{
    static const struct {
        enum status_code code;
        enum hbase_action action;
    } cases[] = {
        {STATUS_UNAVAILABLE, HBASE_ACTION_RECONNECT},
        {STATUS_DEADLINE_EXCEEDED, HBASE_ACTION_RECONNECT},
        {STATUS_CANCELLED, HBASE_ACTION_FAIL},
        {STATUS_DATA_LOSS, HBASE_ACTION_FAIL},
        {STATUS_RESOURCE_EXHAUSTED, HBASE_ACTION_FAIL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct hbase_fault fault;

        hbase_fault_from_status(status_error(cases[i].code, "why"), &fault);
        check_int(fault.action, cases[i].action);
        check_status(fault.status, cases[i].code);
        check_str(fault.status.text, "why");
    }
}

test(pauses_grow_up_to_ten_seconds)
{
    static const struct {
        enum hbase_action action;
        unsigned ntries;
        int64_t max_ms;
    } cases[] = {
        {HBASE_ACTION_RELOCATE, 1, 100},   {HBASE_ACTION_RELOCATE, 2, 200},
        {HBASE_ACTION_RECONNECT, 5, 1000}, {HBASE_ACTION_PAUSE, 8, 10000},
        {HBASE_ACTION_PAUSE, 1000, 10000}, {HBASE_ACTION_OVERLOAD, 1, 500},
        {HBASE_ACTION_OVERLOAD, 3, 1500},  {HBASE_ACTION_OVERLOAD, 50, 10000},
        {HBASE_ACTION_AT_ONCE, 1, 0},      {HBASE_ACTION_AT_ONCE, 3, 300},
        {HBASE_ACTION_FAIL, 3, 0},         {HBASE_ACTION_REOPEN, 0, 100},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct hbase_fault fault = {.action = cases[i].action};
        int64_t pause_ms = hbase_fault_get_pause_ms(&fault, cases[i].ntries);

        check(pause_ms <= cases[i].max_ms);
        check(pause_ms >= cases[i].max_ms - cases[i].max_ms / 8);
    }
}
