/*
 * gateway/worker_id.h - what workers are called.
 */
#ifndef GATEWAY_WORKER_ID_H
#define GATEWAY_WORKER_ID_H

struct violations;

enum { WORKER_ID_MAX_BYTES = 128 };

/* Adds to violations what is wrong with an id; the field is "worker_id". */
void worker_id_validate(const char *id, struct violations *violations);

#endif
