# packaging/cpack.cmake - what each Debian package is. Read by cpack.

set(version ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
set(made ${CPACK_TOPLEVEL_DIRECTORY}/../../packaging/debian)

# Each has a summary of its own.
unset(CPACK_PACKAGE_DESCRIPTION_SUMMARY)

# sluice_package(<component> <name> <summary> <text>)
macro(sluice_package component name summary text)
    string(TOUPPER ${component} key)
    set(CPACK_DEBIAN_${key}_PACKAGE_NAME ${name})
    set(CPACK_DEBIAN_${key}_DESCRIPTION "${summary}\n${text}")
endmacro()

# sluice_service(<component>) - with a unit, settings, and what starts and stops it.
macro(sluice_service component)
    string(TOUPPER ${component} key)
    set(NAME ${component})
    set(CPACK_DEBIAN_${key}_PACKAGE_DEPENDS "adduser, init-system-helpers (>= 1.54)")
    set(CPACK_DEBIAN_${key}_PACKAGE_CONTROL_EXTRA ${made}/${component}/conffiles)
    file(WRITE ${made}/${component}/conffiles "/etc/sluice/${component}.conf\n")
    foreach(script postinst prerm postrm)
        configure_file(${CPACK_SLUICE_SOURCE_DIR}/packaging/debian/${script}.in ${made}/${component}/${script} @ONLY)
        file(CHMOD ${made}/${component}/${script} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
             GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
        list(APPEND CPACK_DEBIAN_${key}_PACKAGE_CONTROL_EXTRA ${made}/${component}/${script})
    endforeach()
endmacro()

sluice_package(gateway sluice-gateway "task gateway that moves data, gRPC service"
    "Sluice moves data into and between wide-column stores. The gateway keeps its\ntasks and data sources in PostgreSQL, serves them over gRPC and hands out jobs\nto workers.")
sluice_package(rest sluice-rest "task gateway that moves data, HTTP interface"
    "Sluice moves data into and between wide-column stores. This program serves the\nHTTP task API of the Lindorm Tunnel Service, and a JSON API, by calls to a\ngateway (sluice-gateway).")
sluice_package(worker sluice-worker "task gateway that moves data, worker"
    "Sluice moves data into and between wide-column stores. A worker leases jobs of\na gateway (sluice-gateway) and runs them: it reads files and tables and writes\ntables. It has libduckdb, which reads Parquet, beside it.")
sluice_package(cli sluice-cli "task gateway that moves data, command line"
    "Sluice moves data into and between wide-column stores. This program, sluice(1),\nworks with a gateway (sluice-gateway) and brings its database up to date.")
sluice_package(sluice sluice "task gateway that moves data, all programs"
    "Sluice moves data into and between wide-column stores. This package brings all\nprograms of Sluice to one machine, and has its documentation.")
sluice_service(gateway)
sluice_service(rest)
sluice_service(worker)

set(CPACK_DEBIAN_GATEWAY_PACKAGE_RECOMMENDS "sluice-cli")
set(CPACK_DEBIAN_GATEWAY_PACKAGE_SUGGESTS "postgresql (>= 15)")
set(CPACK_DEBIAN_SLUICE_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_SLUICE_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_SLUICE_PACKAGE_DEPENDS
    "sluice-gateway (>= ${version}), sluice-rest (>= ${version}), sluice-worker (>= ${version}), sluice-cli (>= ${version})")
