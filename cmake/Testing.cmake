# Tests by ctest. Labels: unit (tests/unit/<room>/test_*.c), store (tests/store/test_*.c, which start
# a PostgreSQL of their own), fuzz (the corpus is replayed), gates.

enable_testing()

# One executable for each test_*.c of a room; the other C files of the folder are its fixtures.
function(sluice_unit_tests room)
    set(folder ${PROJECT_SOURCE_DIR}/tests/unit/${room})
    file(GLOB tests CONFIGURE_DEPENDS ${folder}/test_*.c)
    file(GLOB fixtures CONFIGURE_DEPENDS ${folder}/*.c)
    string(REPLACE "-" "_" name ${room})
    if(NOT tests OR NOT TARGET sluice_${name})
        return()
    endif()
    list(REMOVE_ITEM fixtures ${tests})
    if(NOT SLUICE_FAILPOINTS)
        list(FILTER tests EXCLUDE REGEX "/test_failpoint\\.c$")
    endif()
    add_custom_target(unit_${name})
    foreach(file IN LISTS tests)
        cmake_path(GET file STEM stem)
        string(REGEX REPLACE "^test_" "" stem ${stem})
        set(target unit_${name}_${stem})
        add_executable(${target} ${file} ${fixtures})
        sluice_own_code(${target})
        target_link_libraries(${target} PRIVATE sluice_testing sluice_testing_postgres
            sluice_testing_filters sluice_${name})
        add_dependencies(unit_${name} ${target})
        add_test(NAME unit.${room}.${stem} COMMAND ${target}
                 WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
        set_tests_properties(unit.${room}.${stem} PROPERTIES
            LABELS unit TIMEOUT 300
            ENVIRONMENT "TSAN_OPTIONS=ignore_noninstrumented_modules=1;UBSAN_OPTIONS=print_stacktrace=1")
    endforeach()
endfunction()

# One executable for each tests/store/test_*.c; the other C files of the folder are its fixtures.
function(sluice_store_tests)
    set(folder ${PROJECT_SOURCE_DIR}/tests/store)
    file(GLOB tests CONFIGURE_DEPENDS ${folder}/test_*.c)
    file(GLOB fixtures CONFIGURE_DEPENDS ${folder}/*.c)
    if(NOT tests OR NOT TARGET sluice_migrations)
        return()
    endif()
    list(REMOVE_ITEM fixtures ${tests})
    add_custom_target(store_tests)
    foreach(file IN LISTS tests)
        cmake_path(GET file STEM stem)
        string(REGEX REPLACE "^test_" "" stem ${stem})
        set(target store_${stem})
        add_executable(${target} ${file} ${fixtures})
        sluice_own_code(${target})
        target_link_libraries(${target} PRIVATE
            sluice_testing sluice_testing_postgres sluice_store sluice_migrations)
        add_dependencies(store_tests ${target})
        add_test(NAME store.${stem} COMMAND ${target} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
        set_tests_properties(store.${stem} PROPERTIES
            LABELS store TIMEOUT 300
            ENVIRONMENT "TSAN_OPTIONS=ignore_noninstrumented_modules=1;UBSAN_OPTIONS=print_stacktrace=1")
    endforeach()
endfunction()

# tests/fuzz/fuzz_<name>.c: with SLUICE_FUZZ a libFuzzer binary, else one that replays its files.
function(sluice_fuzz_target file libraries)
    cmake_path(GET file STEM target)
    string(REGEX REPLACE "^fuzz_" "" name ${target})
    set(tests ${PROJECT_SOURCE_DIR}/tests/fuzz)
    add_executable(${target} ${file})
    sluice_own_code(${target})
    target_link_libraries(${target} PRIVATE ${libraries})
    if(SLUICE_FUZZ)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        return()
    endif()
    target_sources(${target} PRIVATE ${tests}/replay.c)
    add_test(NAME fuzz.${name}
             COMMAND ${target} ${tests}/corpus/${name} ${tests}/crashes/${name})
    set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()

# tests/bench/bench_*.c: programs that measure; built with all else, so that they stay right, but no tests.
function(sluice_benches libraries)
    file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/bench/bench_*.c)
    foreach(file IN LISTS files)
        cmake_path(GET file STEM target)
        add_executable(${target} ${file})
        sluice_own_code(${target})
        target_link_libraries(${target} PRIVATE ${libraries})
    endforeach()
endfunction()

# tests/hbase/probe/: a program by which tests of tests/hbase use hbase/; not installed.
function(sluice_hbase_probe)
    file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/hbase/probe/*.c)
    add_executable(hbase_probe ${files})
    sluice_own_code(hbase_probe)
    target_link_libraries(hbase_probe PRIVATE sluice_hbase sluice_connectors)
endfunction()

# sluice_gate(<name> <command>..): a check of the sources, or of what was built of them.
function(sluice_gate name)
    add_test(NAME gate.${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(gate.${name} PROPERTIES LABELS gates TIMEOUT 300)
endfunction()

function(sluice_gates)
    set(tools ${PROJECT_SOURCE_DIR}/tools)
    set(python /usr/bin/python3 -B) # Debian's, which has Debian's packages
    sluice_gate(layers ${python} ${tools}/layers.py)
    sluice_gate(sizes ${python} ${tools}/cmetrics.py .
                --skip "build*/*" --skip "third_party/*" --skip "var/*" --tests "tests/*")
    sluice_gate(migrations ${python} ${tools}/migrations.py)
    sluice_gate(format ${tools}/format.sh)
    sluice_gate(globals ${python} ${tools}/globals.py ${PROJECT_BINARY_DIR})
    sluice_gate(headers ${CMAKE_COMMAND} --build ${PROJECT_BINARY_DIR}
                --target all_verify_interface_header_sets)
    if(TARGET sluice_proto)
        sluice_gate(protos ${python} ${tools}/protos.py ${PROJECT_BINARY_DIR}/all.binpb)
    endif()
    sluice_gate(tools ${python} -m pytest -q -p no:cacheprovider tests/tools)
endfunction()

function(sluice_tests)
    get_property(rooms GLOBAL PROPERTY SLUICE_ROOMS)
    if(TARGET sluice_base)
        file(GLOB harness CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/harness/*.c)
        add_library(sluice_testing STATIC ${harness})
        sluice_own_code(sluice_testing)
        target_link_libraries(sluice_testing PUBLIC sluice_base)

        # A PostgreSQL for the tests that need one.
        file(GLOB postgres CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/harness/postgres/*.c)
        add_library(sluice_testing_postgres STATIC ${postgres})
        sluice_own_code(sluice_testing_postgres)
        target_link_libraries(sluice_testing_postgres PUBLIC sluice_base PkgConfig::LIBPQ)
    endif()
    if(TARGET sluice_spec)
        # Filters and tasks by chance.
        file(GLOB filters CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/harness/filters/*.c)
        add_library(sluice_testing_filters STATIC ${filters})
        sluice_own_code(sluice_testing_filters)
        target_link_libraries(sluice_testing_filters PUBLIC sluice_spec)
    endif()
    sluice_store_tests()
    set(libraries)
    foreach(room IN LISTS rooms)
        sluice_unit_tests(${room})
        string(REPLACE "-" "_" name ${room})
        list(APPEND libraries sluice_${name})
    endforeach()
    file(GLOB targets CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
    foreach(file IN LISTS targets)
        sluice_fuzz_target(${file} "${libraries}")
    endforeach()
    sluice_benches("${libraries}")
    sluice_hbase_probe()
    sluice_gates()
endfunction()
