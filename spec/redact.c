#include "spec/redact.h"

static const char mask[] = "***";
static const char authority_mark[] = "://";
static const char key_mark[] = "password=";

/* How much of text belongs to a connection string that it begins in. */
static size_t get_string_len(struct str text)
{
    size_t len = 0;

    while (len < text.len && (unsigned char)text.data[len] > ' ' && !strchr("'\"`", text.data[len]))
        len++;
    return len;
}

/* Appends what is behind "://" up to the end of the string, and takes it off *rest. */
static void redact_authority(struct str *rest, struct buf *ret)
{
    struct str string = {.data = rest->data, .len = get_string_len(*rest)};
    size_t sign = string.len; /* behind the last '@': one in a password may not be encoded */

    while (sign > 0 && string.data[sign - 1] != '@')
        sign--;
    size_t colon = str_find_byte((struct str){.data = string.data, .len = sign}, ':');
    if (colon < sign) {
        buf_append(ret, string.data, colon + 1);
        buf_append_text(ret, mask);
        buf_append_char(ret, '@');
    } else {
        sign = 0;
    }
    *rest = str_skip(*rest, sign);
}

void redact_passwords(struct str text, struct buf *ret)
{
    while (text.len > 0) {
        size_t authority = str_find(text, authority_mark);
        size_t key = str_find(text, key_mark);
        size_t head = text.len;
        if (authority < key)
            head = authority + strlen(authority_mark);
        else if (key < text.len)
            head = key + strlen(key_mark);
        buf_append(ret, text.data, head);
        text = str_skip(text, head);
        if (authority < key) {
            redact_authority(&text, ret);
        } else if (text.len > 0) {
            buf_append_text(ret, mask);
            text = str_skip(text, get_string_len(text));
        }
    }
}
