#!/bin/sh
# tools/fetch_swagger_ui.sh [--check] - puts the files of Swagger UI, which sluice-rest shows at /docs,
# into third_party/swagger-ui. As tools/fetch_npm.sh.
set -eu

here=$(dirname "$0")
exec "$here/fetch_npm.sh" "$@" "$here/../third_party/swagger-ui" swagger-ui-dist@5.35.0 \
    U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ== \
    swagger-ui.css swagger-ui-bundle.js LICENSE NOTICE
