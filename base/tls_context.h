/*
 * base/tls_context.h - certificates and keys as OpenSSL takes them, checked before anybody is served by them.
 */
#ifndef BASE_TLS_CONTEXT_H
#define BASE_TLS_CONTEXT_H

#include "base/tls.h"

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */

/*
 * Makes a context of what was read: TLS 1.2 and 1.3 with forward secrecy, no renegotiation, compression, session tickets or
 * other ways to resume. With a CA, peers must show a certificate that it has signed. *ret is the caller's, for
 * SSL_CTX_free. INVALID_ARGUMENT: a text is none of the kind, key and certificate do not belong together, or the certificate
 * has expired or is not valid yet; the text names the option.
 */
struct status tls_context_create(enum tls_side side, const struct tls_texts *texts,
                                 struct ssl_ctx_st **ret) MUST_CHECK;

#endif
