#include "base/hash.h"

#include "tests/harness/test.h"

/* The vectors are those of the draft's reference code. */
test(hash_is_fnv_1a_of_all_bytes_however_they_are_cut)
{
    check(hash_make(str_from("")) == UINT64_C(0xcbf29ce484222325));
    check(hash_make(str_from("a")) == UINT64_C(0xaf63dc4c8601ec8c));
    check(hash_make(str_from("foobar")) == UINT64_C(0x85944171f73967e8));
    check(hash_add(hash_make(str_from("foo")), str_from("bar")) == hash_make(str_from("foobar")));
    check(hash_make(str_from_bytes("\xff", 2)) != hash_make(str_from_bytes("\xff", 1)));
}
