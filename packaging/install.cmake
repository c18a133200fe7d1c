# packaging/install.cmake - installs what belongs to the program of SLUICE_COMPONENT: its manual page, bash completion and,
# for a service, its unit and settings. Runs at `cmake --install`, when the prefix is known. Settings that are there stay.

set(name sluice-${SLUICE_COMPONENT})
set(section 8)
if(SLUICE_COMPONENT STREQUAL "cli")
    set(name sluice)
    set(section 1)
endif()
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    set(SLUICE_CONFIG_DIR /etc/sluice)
else()
    set(SLUICE_CONFIG_DIR ${CMAKE_INSTALL_PREFIX}/etc/sluice)
endif()

set(made ${SLUICE_BINARY_DIR}/packaging/${SLUICE_COMPONENT})
file(REMOVE_RECURSE ${made})
string(TIMESTAMP date "%Y-%m-%d" UTC) # of SOURCE_DATE_EPOCH, if there is one
execute_process(
    COMMAND ${SLUICE_PYTHON} -B ${SLUICE_SOURCE_DIR}/tools/manuals.py
            ${SLUICE_BINARY_DIR}/${name} ${made} ${SLUICE_VERSION} ${date} ${SLUICE_CONFIG_DIR}
    COMMAND_ERROR_IS_FATAL ANY)

file(INSTALL ${made}/${name}.${section} DESTINATION ${CMAKE_INSTALL_PREFIX}/share/man/man${section})
file(INSTALL ${made}/completion DESTINATION ${CMAKE_INSTALL_PREFIX}/share/bash-completion/completions
     RENAME ${name})
if(NOT SLUICE_COMPONENT STREQUAL "cli")
    set(SLUICE_BIN_DIR ${CMAKE_INSTALL_PREFIX}/bin)
    configure_file(${SLUICE_SOURCE_DIR}/packaging/systemd/${name}.service.in ${made}/${name}.service @ONLY)
    file(INSTALL ${made}/${name}.service DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/systemd/system)
    set(settings ${SLUICE_CONFIG_DIR}/${SLUICE_COMPONENT}.conf)
    if(EXISTS $ENV{DESTDIR}${settings})
        message(STATUS "Left as it is: $ENV{DESTDIR}${settings}")
    else()
        file(INSTALL ${made}/${SLUICE_COMPONENT}.conf DESTINATION ${SLUICE_CONFIG_DIR}
             PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
    endif()
    file(MAKE_DIRECTORY $ENV{DESTDIR}${SLUICE_CONFIG_DIR}/${SLUICE_COMPONENT}.secrets)
    file(CHMOD $ENV{DESTDIR}${SLUICE_CONFIG_DIR}/${SLUICE_COMPONENT}.secrets
         PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endif()
