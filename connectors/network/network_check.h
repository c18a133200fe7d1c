/*
 * connectors/network/network_check.h - do the servers of a data source have addresses, and does something listen there?
 *
 * That is all that is tried: no word of the servers' own protocols is spoken.
 */
#ifndef CONNECTORS_NETWORK_NETWORK_CHECK_H
#define CONNECTORS_NETWORK_NETWORK_CHECK_H

#include <stdbool.h>

struct check_options;
struct data_source_endpoint;

/* As check_try_all. */
void network_check_run(const struct check_options *options);

/*
 * Looks an endpoint's name up and connects to it: a step each. found is what the second one says after the address.
 * Returns whether both worked. Blocks.
 */
bool network_check_endpoint(const struct check_options *options,
                            const struct data_source_endpoint *endpoint, const char *found);

#endif
