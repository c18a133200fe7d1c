# What is installed: the programs, each a component, and what they need, say and are started by. The layout is the File
# Hierarchy Standard's, below any prefix; settings are in /etc/sluice if that is /usr, else in etc/sluice below it.

set(SLUICE_PROGRAMS gateway rest worker cli)

# A message tells what is missing, for images are built without Python.
find_program(SLUICE_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH) # Debian's, which has Debian's packages
if(NOT SLUICE_PYTHON)
    message(STATUS "python3 is missing: no manual pages, completion, settings and units will be installed")
endif()

if(DuckDBRuntime_LIBRARY)
    install(FILES ${DuckDBRuntime_LIBRARY} DESTINATION lib/sluice COMPONENT worker)
endif()
set_target_properties(sluice-worker PROPERTIES INSTALL_RPATH "$ORIGIN/../lib/sluice")
install(FILES ${docs} DESTINATION ${CMAKE_INSTALL_DATADIR}/sluice/docs COMPONENT rest)

file(GLOB pages CONFIGURE_DEPENDS CHANGELOG.md docs/*.md)
install(FILES LICENSE NOTICE ${pages} DESTINATION share/doc/sluice COMPONENT sluice)

# packaging/install.cmake does the rest when the prefix is known.
if(SLUICE_PYTHON AND EXISTS ${PROJECT_SOURCE_DIR}/packaging)
    foreach(program IN LISTS SLUICE_PROGRAMS)
        install(CODE "
            set(SLUICE_SOURCE_DIR \"${PROJECT_SOURCE_DIR}\")
            set(SLUICE_BINARY_DIR \"${PROJECT_BINARY_DIR}\")
            set(SLUICE_VERSION ${PROJECT_VERSION})
            set(SLUICE_PYTHON \"${SLUICE_PYTHON}\")
            set(SLUICE_COMPONENT ${program})
            include(\"${PROJECT_SOURCE_DIR}/packaging/install.cmake\")"
            COMPONENT ${program})
    endforeach()
endif()
