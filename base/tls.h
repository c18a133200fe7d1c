/*
 * base/tls.h - TLS as programs are told of it: the files with certificates and keys, and the options that name them.
 */
#ifndef BASE_TLS_H
#define BASE_TLS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/options.h"
#include "base/status.h"

enum tls_side {
    TLS_SERVER,   /* the options are tls-cert, tls-key, tls-client-ca */
    TLS_CLIENT,   /* gateway-cert, gateway-key, gateway-ca */
    TLS_EXPORTER, /* otlp-ca; a client that shows no certificate */
};

/* Files in PEM (RFC 7468); NULL where there is none. */
struct tls_paths {
    const char *cert; /* our certificate, then those between it and the CA's */
    const char *key;  /* its private key, not encrypted */
    const char *ca;   /* certificates of who signs those of our peers */
};

/* What is in the files. */
struct tls_texts {
    char *cert;
    char *key;
    char *ca;
};

enum { TLS_FILE_MAX_BYTES = 1 << 20 };

/* Whether TLS was asked for. */
bool tls_is_on(enum tls_side side, const struct tls_paths *paths);

/* Appends what is missing beside what was given, one option a line. */
void tls_validate(enum tls_side side, const struct tls_paths *paths, struct buf *errors);

/*
 * Reads the files into *ret, which the caller clears by tls_texts_deinit. INVALID_ARGUMENT: one is larger than
 * TLS_FILE_MAX_BYTES, or no text. Else as the system refused. Errors name the option. Blocks.
 */
struct status tls_texts_read(enum tls_side side, const struct tls_paths *paths,
                             struct tls_texts *ret) MUST_CHECK;

/* Leaves nothing of the key in memory. */
void tls_texts_deinit(struct tls_texts *texts);

/* The option that names the certificate, the key or the CA: "tls-cert". NULL: there is none. */
const char *tls_name_cert(enum tls_side side);
const char *tls_name_key(enum tls_side side);
const char *tls_name_ca(enum tls_side side);

/* For the tables of options; member is a struct tls_paths. */
#define TLS_ROW(type, option, field_name, text) \
    {.name = (option), \
     .kind = OPTION_TEXT, \
     .field = offsetof(type, field_name), \
     .value_name = "FILE", \
     .help = (text)}

#define TLS_SERVER_ROWS(type, member) \
    TLS_ROW( \
        type, "tls-cert", member.cert, \
        "serve TLS with this certificate, in PEM, and those that lead to its CA; a new file is " \
        "taken up without a restart"), \
        TLS_ROW(type, "tls-key", member.key, "the certificate's private key, in PEM"), \
        TLS_ROW(type, "tls-client-ca", member.ca, \
                "mutual TLS: only clients whose certificate is signed by this CA are served")

#define TLS_CLIENT_ROWS(type, member) \
    TLS_ROW( \
        type, "gateway-ca", member.ca, \
        "speak TLS to the gateway, whose certificate must be signed by this CA, in PEM, and be " \
        "for the name that is called; a new file is taken up without a restart"), \
        TLS_ROW(type, "gateway-cert", member.cert, \
                "show the gateway this certificate, in PEM, for mutual TLS"), \
        TLS_ROW(type, "gateway-key", member.key, "the private key of --gateway-cert, in PEM")

#endif
