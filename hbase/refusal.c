#include "hbase/refusal.h"

#include "base/str.h"

/* What is between before and after, the texts of HRegion.checkFamily; {NULL, 0} if text has not both. */
static struct str find_between(struct str text, const char *before, const char *after)
{
    size_t at = str_find(text, before);

    if (at == text.len)
        return (struct str){0};
    text = str_skip(text, at + strlen(before));
    at = str_find(text, after);
    return at == text.len ? (struct str){0} : str_from_bytes(text.data, at);
}

struct status hbase_refusal_explain(struct status st, const char *table)
{
    struct str text = str_from(st.text);
    struct str family = find_between(text, "NoSuchColumnFamilyException: Column family ",
                                     " does not exist in region");

    if (st.code != STATUS_FAILED_PRECONDITION)
        return st;
    if (family.data)
        return status_error(st.code, "table '%s' has no family '%.*s'", table, (int)family.len,
                            family.data);
    if (str_find(text, "DoNotRetryIOException: region is read only") <
        text.len) /* HRegion.checkReadOnly */
        return status_error(st.code, "table '%s' is read-only", table);
    return st;
}
