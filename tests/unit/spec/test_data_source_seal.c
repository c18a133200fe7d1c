/*
 * tests/unit/spec/test_data_source_seal.c - secrets of data sources as the database keeps them: nothing else is sealed, and
 * what is opens only where it belongs.
 */
#include "spec/data_source_seal.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/secret_keys.h"
#include "spec/data_source_secrets.h"
#include "tests/harness/test.h"

#define KEY_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define KEY_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define ID_A "65930dda"

enum {
    FILES = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_FILE,
    POSTGRES = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_POSTGRES,
    HBASE = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_HBASE,
    LINDORM = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_LINDORM,
    S3 = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_S3,
    SPARK = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_SPARK,
};

static struct secret_keys *make_keys(const char *text)
{
    char path[] = "/tmp/sluice-keys.XXXXXX";
    int fd = mkstemp(path);
    struct secret_keys *keys = NULL;

    check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    (void)close(fd);
    check_status(secret_keys_read_file(path, &keys), STATUS_OK);
    (void)unlink(path);
    return keys;
}

static Pb__DataSource make_source(int type, const char *name, const char *json)
{
    Pb__DataSource source = PB__DATA_SOURCE__INIT;

    source.type = (Pb__DataSourceType)type;
    source.name = (char *)name;
    source.parameters_json = (char *)json;
    return source;
}

/* Whether a data source's parameters open, as these; NULL: they do not, and why is in *ret. */
static struct status open_as(int type, const char *name, const char *json,
                             const struct secret_keys *keys, const char *expected)
{
    Pb__DataSource source = make_source(type, name, json);
    struct buf opened = {0};
    struct status st = data_source_open(&source, keys, &opened);

    check_str(buf_get_text(&opened), expected);
    buf_deinit(&opened);
    return st;
}

static char *seal(int type, const char *name, const char *json, const struct secret_keys *keys)
{
    Pb__DataSource source = make_source(type, name, json);
    struct buf sealed = {0};

    check_status(data_source_seal(&source, keys, &sealed), STATUS_OK);
    return buf_take(&sealed);
}

test(secrets_of_each_type_are_sealed_and_nothing_else)
{
    static const struct {
        int type;
        const char *json, *masked;
    } cases[] = {
        {POSTGRES, "{\"url\":\"postgresql://u:s3cret@h/d\"}",
         "{\"url\":\"postgresql://u:***@h/d\"}"},
        {POSTGRES, "{\"url\":\"postgresql://u@h/d\",\"password\":\"s3cr\\\"et\"}",
         "{\"url\":\"postgresql://u@h/d\",\"password\":\"***\"}"},
        {LINDORM, "{\"clusterKey\":\"ld:30020:u:s3:cret\"}", "{\"clusterKey\":\"ld:30020:u:***\"}"},
        {LINDORM, "{\"clusterKey\":\"ld:30020\",\"username\":\"u\",\"password\":\"s3cret\"}",
         "{\"clusterKey\":\"ld:30020\",\"username\":\"u\",\"password\":\"***\"}"},
        {S3,
         "{\"endpoint\":\"http://s\",\"bucket\":\"abc\",\"accessKeyId\":\"a\","
         "\"secretAccessKey\":\"s3cret\",\"sessionToken\":\"s3cret\",\"pathStyle\":true}",
         "{\"endpoint\":\"http://s\",\"bucket\":\"abc\",\"accessKeyId\":\"a\","
         "\"secretAccessKey\":\"***\",\"sessionToken\":\"***\",\"pathStyle\":true}"},
        {SPARK, "{\"url\":\"http://m:6066\",\"token\":\"s3cret\"}",
         "{\"url\":\"http://m:6066\",\"token\":\"***\"}"},
    };
    struct secret_keys *keys = make_keys(KEY_A);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf masked = {0};
        char *sealed = seal(cases[i].type, "x", cases[i].json, keys);
        check(!strstr(sealed, "s3cr"));
        Pb__DataSource source = make_source(cases[i].type, "x", sealed);
        check(strstr(sealed, "sealed.v1." ID_A ".") && data_source_has_sealed(&source));
        data_source_write_masked((Pb__DataSourceType)cases[i].type, sealed, &masked);
        check_str(buf_get_text(&masked), cases[i].masked);
        check_status(open_as(cases[i].type, "x", sealed, keys, cases[i].json), STATUS_OK);
        buf_deinit(&masked);
        free(sealed);
    }
    secret_keys_unref(keys);
}

test(what_has_no_secret_stays_as_it_is)
{
    static const struct {
        int type;
        const char *json;
    } cases[] = {
        {FILES, "{\"root\":\"/srv/sealed.v1.x\"}"},
        {POSTGRES, "{\"url\":\"postgresql://u@h/d\"}"},
        {HBASE, "{\"clusterKey\":\"z:1:/h\",\"hosts\":{\"a\":\"10.0.0.1\"},\"username\":\"u\"}"},
    };
    struct secret_keys *keys = make_keys(KEY_A);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *sealed = seal(cases[i].type, "x", cases[i].json, keys);
        Pb__DataSource source = make_source(cases[i].type, "x", sealed);
        check_str(sealed, cases[i].json);
        check_int(data_source_has_sealed(&source), i == 0); /* which looks as if there were */
        check_status(open_as(cases[i].type, "x", sealed, NULL, cases[i].json), STATUS_OK);
        free(sealed);
    }
    secret_keys_unref(keys);
}

test(without_keys_all_stays_plain_and_what_is_plain_is_read_with_keys)
{
    static const char json[] = "{\"url\":\"postgresql://u:s3cret@h/d\"}";
    struct secret_keys *keys = make_keys(KEY_A);
    char *plain = seal(POSTGRES, "x", json, NULL);

    check_str(plain, json);
    check_status(open_as(POSTGRES, "x", plain, keys, json), STATUS_OK);
    free(plain);
    secret_keys_unref(keys);
}

test(a_missing_key_is_named)
{
    struct secret_keys *keys = make_keys(KEY_A), *others = make_keys(KEY_B);
    char *sealed =
        seal(POSTGRES, "orders", "{\"url\":\"postgresql://h/d\",\"password\":\"a\"}", keys);
    static const char text[] = "data source 'orders': password is sealed under key " ID_A
                               ", which is not among the keys here";

    struct status st = open_as(POSTGRES, "orders", sealed, others, "");
    check_status(st, STATUS_FAILED_PRECONDITION);
    check_str(st.text, text);
    st = open_as(POSTGRES, "orders", sealed, NULL, "");
    check_status(st, STATUS_FAILED_PRECONDITION);
    check_str(st.text, text);
    free(sealed);
    secret_keys_unref(keys);
    secret_keys_unref(others);
}

/* A copy of text with `to` in the place of `from`, owned by the caller. */
static char *replace(const char *text, const char *from, const char *to)
{
    struct buf out = {0};
    struct str rest = str_from(text);
    size_t at = str_find(rest, from);

    check(at < rest.len);
    buf_append(&out, text, at);
    buf_append_text(&out, to);
    buf_append_str(&out, str_skip(rest, at + strlen(from)));
    return buf_take(&out);
}

test(a_sealed_secret_does_not_open_elsewhere)
{
    static const char json[] =
        "{\"endpoint\":\"http://s\",\"bucket\":\"abc\",\"accessKeyId\":\"a\","
        "\"secretAccessKey\":\"s3cret\"}";
    struct secret_keys *keys = make_keys(KEY_A);
    char *sealed = seal(S3, "x", json, keys);
    char *moved = replace(sealed, "http://s", "http://t");
    char *renamed = replace(sealed, "secretAccessKey", "sessionToken");
    char *other = replace(sealed, "\"abc\"", "\"abd\"");
    char *open = replace(json, "\"abc\"", "\"abd\"");

    check_status(open_as(S3, "y", sealed, keys, ""), STATUS_DATA_LOSS);
    check_status(open_as(S3, "x", moved, keys, ""), STATUS_DATA_LOSS);
    check_status(open_as(S3, "x", renamed, keys, ""), STATUS_DATA_LOSS);
    check_status(open_as(S3, "x", other, keys, open), STATUS_OK); /* the bucket is no target */
    check_status(open_as(FILES, "x", sealed, keys, ""), STATUS_FAILED_PRECONDITION);
    free(sealed);
    free(moved);
    free(renamed);
    free(other);
    free(open);
    secret_keys_unref(keys);
}

test(a_server_in_the_same_text_is_bound_to_the_password)
{
    struct secret_keys *keys = make_keys(KEY_A);
    char *sealed = seal(POSTGRES, "x", "{\"url\":\"postgresql://u:s3cret@h/d\"}", keys);
    char *moved = replace(sealed, "@h/d", "@evil/d");
    char *other_user = replace(sealed, "u:sealed", "v:sealed");

    check_status(open_as(POSTGRES, "x", moved, keys, ""), STATUS_DATA_LOSS);
    check_status(open_as(POSTGRES, "x", other_user, keys, ""), STATUS_DATA_LOSS);
    free(sealed);
    free(moved);
    free(other_user);
    secret_keys_unref(keys);
}

/* What an update keeps by "***" need not be opened: it opens afterwards. */
test(a_kept_secret_stays_sealed_and_opens)
{
    struct secret_keys *keys = make_keys(KEY_A);
    char *stored =
        seal(LINDORM, "x",
             "{\"clusterKey\":\"ld:30020\",\"username\":\"u\",\"password\":\"s3cret\"}", keys);
    struct violations violations = {0};
    struct buf merged = {0};

    data_source_merge(PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_LINDORM, stored,
                      "{\"clusterKey\":\"ld:30020\",\"username\":\"v\",\"password\":\"***\"}",
                      &violations, &merged);
    check_int(violations.count, 0);
    char *again = seal(LINDORM, "x", buf_get_text(&merged), keys);
    check_str(again, buf_get_text(&merged));
    check_status(
        open_as(LINDORM, "x", again, keys,
                "{\"clusterKey\":\"ld:30020\",\"username\":\"v\",\"password\":\"s3cret\"}"),
        STATUS_OK);
    buf_deinit(&merged);
    free(stored);
    free(again);
    secret_keys_unref(keys);
}

test(a_new_secret_cannot_look_sealed)
{
    struct violations violations = {0};
    struct buf merged = {0};

    data_source_merge(PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_POSTGRES, "{}",
                      "{\"url\":\"postgresql://u:sealed.v1.x@h/d\"}", &violations, &merged);
    check_int(violations.count, 1);
    check_str(violations.items[0].text,
              "parameters.url: a secret does not begin with 'sealed.v1.', as sealed ones do");
    buf_deinit(&merged);
}

/* Seals anew; the result, owned by the caller, or NULL if it failed. */
static char *reseal(const char *json, const struct secret_keys *keys, bool expected_new)
{
    Pb__DataSource source = make_source(POSTGRES, "x", json);
    struct buf sealed = {0};
    bool is_new = !expected_new;
    struct status st = data_source_reseal(&source, keys, &is_new, &sealed);

    if (st.code != STATUS_OK)
        return NULL;
    check_int(is_new, expected_new);
    return buf_take(&sealed);
}

test(resealing_brings_all_under_the_first_key)
{
    static const char json[] = "{\"url\":\"postgresql://u:s3cret@h/d\",\"password\":\"b\"}";
    struct secret_keys *old = make_keys(KEY_A), *both = make_keys(KEY_B "\n" KEY_A),
                       *new = make_keys(KEY_B);
    char *plain_turned = reseal(json, old, true);
    char *turned = reseal(plain_turned, both, true);
    char *same = reseal(turned, both, false);

    check_str(same, turned);
    check_status(open_as(POSTGRES, "x", turned, new, json), STATUS_OK);
    check(!reseal(plain_turned, new, true)); /* its key is not there */
    char *damaged = replace(turned, "sealed.v1.", "sealed.v1.0");
    check(!reseal(damaged, both, true));
    free(plain_turned);
    free(turned);
    free(same);
    free(damaged);
    secret_keys_unref(old);
    secret_keys_unref(both);
    secret_keys_unref(new);
}

test(parameters_that_are_not_right_are_not_lost)
{
    struct secret_keys *keys = make_keys(KEY_A);

    check(!reseal("{\"password\":[\"x\"]}", keys, true));
    check(!reseal("{\"pasword\":\"x\"}", keys, true));
    check(!reseal("[]", keys, true));
    secret_keys_unref(keys);
}
