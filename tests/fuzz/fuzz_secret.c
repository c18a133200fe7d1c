/*
 * tests/fuzz/fuzz_secret.c - any text as a sealed secret, as a secret to be sealed, and as the parameters of a data source
 * as a database may have them: the first byte is the type, the rest the JSON.
 *
 * Nobody guesses a sealed text; what was sealed opens to the same; and what was resealed opens to what was there before.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret_keys.h"
#include "spec/data_source_seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made once; the seeds have its id. */
static const struct secret_keys *get_keys(void)
{
    static const char text[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    static struct secret_keys *keys;
    char path[] = "/tmp/sluice-fuzz-keys.XXXXXX";

    if (keys)
        return keys;
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, text, sizeof(text) - 1) != (ssize_t)(sizeof(text) - 1) ||
        secret_keys_read_file(path, &keys).code != STATUS_OK)
        abort();
    (void)close(fd);
    (void)unlink(path);
    return keys;
}

static void check_text(struct str text)
{
    struct buf sealed = {0}, opened = {0};
    struct str here = str_from("here");

    assert(secret_open(get_keys(), here, text, &opened).code != STATUS_OK && opened.len == 0);
    assert(secret_seal(get_keys(), here, text, &sealed).code == STATUS_OK);
    assert(secret_open(get_keys(), here, buf_get(&sealed), &opened).code == STATUS_OK);
    assert(str_is_equal(buf_get(&opened), text));
    buf_deinit(&sealed);
    buf_deinit(&opened);
}

static void check_source(const Pb__DataSource *source)
{
    Pb__DataSource again = *source;
    struct buf before = {0}, resealed = {0}, after = {0};
    bool is_new = false;
    struct status opens = data_source_open(source, get_keys(), &before);
    struct status st = data_source_reseal(source, get_keys(), &is_new, &resealed);

    if (st.code == STATUS_OK) {
        assert(opens.code == STATUS_OK);
        again.parameters_json = (char *)buf_get_text(&resealed);
        assert(data_source_open(&again, get_keys(), &after).code == STATUS_OK);
        buf_clear(&before); /* which may be laid out otherwise */
        again.parameters_json = (char *)buf_get_text(&after);
        assert(data_source_reseal(&again, get_keys(), &is_new, &before).code == STATUS_OK);
    }
    buf_deinit(&before);
    buf_deinit(&resealed);
    buf_deinit(&after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Pb__DataSource source = PB__DATA_SOURCE__INIT;

    check_text(str_from_bytes(data, size));
    if (size == 0)
        return 0;
    source.type = (Pb__DataSourceType)(data[0] - '0');
    source.name = (char *)"x";
    source.parameters_json = mem_copy_str(str_from_bytes(data + 1, size - 1));
    check_source(&source);
    mem_free(source.parameters_json);
    return 0;
}
