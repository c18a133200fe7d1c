/*
 * connectors/postgres/postgres_check.h - can tasks write to a PostgreSQL?
 */
#ifndef CONNECTORS_POSTGRES_POSTGRES_CHECK_H
#define CONNECTORS_POSTGRES_POSTGRES_CHECK_H

struct check_options;

/* As check_try_all. */
void postgres_check_run(const struct check_options *options);

#endif
