/*
 * base/token_file.h - the token that a program shows to a gateway, from a file that is looked at again while it runs.
 */
#ifndef BASE_TOKEN_FILE_H
#define BASE_TOKEN_FILE_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/status.h"

struct token_file;

enum { TOKEN_FILE_MAX_BYTES = 512 }; /* of a token, with NUL */

/*
 * Reads the file, which has a token and nothing else but white space around it. *ret is owned by the caller. path is
 * borrowed until token_file_close; NULL: there is none, and *ret is NULL. Blocks. INVALID_ARGUMENT: it has no token, one that is
 * too long, or characters that are not of one. Else as the system refused.
 */
struct status token_file_open(const char *path, struct token_file **ret) MUST_CHECK;

/* NULL is allowed. */
void token_file_close(struct token_file *file);

/*
 * The token as it is by now, NUL-terminated. Looks at the file once a second at most; one that cannot be used is logged, once,
 * and what was read last stays. Any thread; blocks for as long as reading a small file takes.
 */
void token_file_get(struct token_file *file, char ret[TOKEN_FILE_MAX_BYTES]);

#endif
