/*
 * tests/unit/base/test_id.c - SHA-256, and UUIDs by name, in order and from text.
 */
#include "base/id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/sha256.h"
#include "tests/harness/test.h"

static const char *show(struct str bytes)
{
    static char text[2 * SHA256_BYTES + 1];
    uint8_t digest[SHA256_BYTES];

    sha256_make(bytes, digest);
    for (size_t i = 0; i < SHA256_BYTES; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return text;
}

/* The first three are those that NIST gives as examples to FIPS 180. */
test(sha256_gives_the_digests_that_are_published)
{
    check_str(show(str_from("abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_str(show(str_from("")),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_str(show(str_from("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

test(sha256_pads_at_each_length_around_a_block)
{
    static const struct {
        size_t len;
        const char *digest;
    } cases[] = {
        {54, "a3f01b6939256127582ac8ae9fb47a382a244680806a3f613a118851c1ca1d47"},
        {55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
        {56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"},
        {63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34"},
        {64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
        {65, "635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0"},
        {119, "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb"},
        {120, "2f3d335432c70b580af0e8e1b3674a7c020d683aa5f73aaaedfdc55af904c21c"},
        {128, "6836cf13bac400e9105071cd6af47084dfacad4e5e302c94bfed24e013afb73e"},
        {200, "c2a908d98f5df987ade41b5fce213067efbcc21ef2240212a41e54b5e7c28ae5"},
    };
    char bytes[200];

    memset(bytes, 'a', sizeof(bytes));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_str(show(str_from_bytes(bytes, cases[i].len)), cases[i].digest);
}

test(a_name_stands_for_one_uuid)
{
    char one[ID_UUID_BYTES], again[ID_UUID_BYTES], other[ID_UUID_BYTES];

    id_make_named_uuid(str_from("abc"), one);
    id_make_named_uuid(str_from("abc"), again);
    id_make_named_uuid(str_from("abd"), other);
    check_str(one, "ba7816bf-8f01-8fea-8141-40de5dae2223");
    check_str(again, one);
    check(strcmp(other, one) != 0);
}

test(uuids_are_read_in_any_case)
{
    char text[ID_UUID_BYTES];

    check(id_read_uuid(str_from("00112233-4455-6677-8899-AABBccddeeff"), text));
    check_str(text, "00112233-4455-6677-8899-aabbccddeeff");
}

test(what_is_no_uuid_is_not_read)
{
    static const char *const cases[] = {
        "",
        "00112233445566778899aabbccddeeff",
        "00112233-4455-6677-8899-aabbccddeef",
        "00112233-4455-6677-8899-aabbccddeeff0",
        "0011223-34455-6677-8899-aabbccddeeff",
        "00112233-4455-6677-8899-aabbccddeefg",
        "{0112233-4455-6677-8899-aabbccddeef}",
        "00112233-4455-6677-8899-aabbccddeef ",
    };
    char text[ID_UUID_BYTES] = "untouched";

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check(!id_read_uuid(str_from(cases[i]), text));
    check(!id_read_uuid(str_from_bytes("00112233-4455-6677-8899-aabbccddee\0f", 36), text));
    check_str(text, "untouched");
}

/* RFC 9562, section 5.7: 48 bits of time in milliseconds, version and variant, and nothing else that is told. */
test(ids_in_order_are_uuids_of_version_7_that_begin_with_the_time)
{
    char first[ID_HEX_BYTES], second[ID_HEX_BYTES], uuid[ID_UUID_BYTES];
    uint64_t time_ms = 0;

    int64_t before_ms = clock_get_time_us() / 1000;
    id_make_ordered_hex(first);
    id_make_ordered_hex(second);
    id_make_ordered_uuid(uuid);
    int64_t after_ms = clock_get_time_us() / 1000;

    check_int(sscanf(first, "%12" SCNx64, &time_ms), 1);
    check((int64_t)time_ms >= before_ms && (int64_t)time_ms <= after_ms);
    check_int(strlen(first), 32);
    check(first[12] == '7' && strchr("89ab", first[16]) != NULL);
    check(strcmp(first + 17, second + 17) != 0);
    check(strncmp(first, second, 12) <= 0);
    check(uuid[8] == '-' && uuid[13] == '-' && uuid[14] == '7' && uuid[18] == '-');
}
