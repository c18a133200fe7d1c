# packaging/finish.cmake - brings what was copied together for packages into Debian's form: what policy wants of a package's
# documents, compressed, and the list of all that is in it. Read by cpack before it packs.

execute_process(
    COMMAND ${CPACK_SLUICE_PYTHON} -B ${CPACK_SLUICE_SOURCE_DIR}/packaging/finish.py ${CPACK_TEMPORARY_DIRECTORY}
            ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}
    COMMAND_ERROR_IS_FATAL ANY)
