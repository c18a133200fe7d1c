#include "cli/database.h"

#include "base/mem.h"
#include "cli/command.h"
#include "store/database_url.h"
#include "store/pg_session.h"

struct status database_make_url(const struct cli_settings *settings, char **ret)
{
    if (!settings->database_url)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "--database-url or SLUICE_DATABASE_URL must be given");
    return database_url_make(settings->database_url, settings->database_password_file, ret);
}

struct status database_open(const struct cli_settings *settings, struct pg_session **ret)
{
    char *url = NULL;
    struct status st = database_make_url(settings, &url);

    if (st.code == STATUS_OK)
        st = pg_session_open(url, ret);
    mem_free_secret(url);
    return st;
}
