/*
 * connectors/file/file_check.h - is the root of a file data source a folder that can be listed?
 */
#ifndef CONNECTORS_FILE_FILE_CHECK_H
#define CONNECTORS_FILE_FILE_CHECK_H

struct check_options;

/* As check_try_all. */
void file_check_run(const struct check_options *options);

#endif
