# DuckDB::headers, the vendored header, and DuckDBRuntime_LIBRARY, which is installed and opened
# at run time but never linked. Without the library all is built; only Parquet says what is missing.

set(DUCKDB_ROOT ${PROJECT_SOURCE_DIR}/third_party/duckdb CACHE PATH "Where duckdb.h and lib/ are")
add_library(DuckDB::headers INTERFACE IMPORTED GLOBAL)
if(EXISTS ${DUCKDB_ROOT}/duckdb.h)
    target_include_directories(DuckDB::headers SYSTEM INTERFACE ${DUCKDB_ROOT})
endif()
target_compile_definitions(DuckDB::headers INTERFACE DUCKDB_API_NO_DEPRECATED=1)
if(SLUICE_SANITIZE)
    # A sanitizer looks for the functions that throw when a program starts; libduckdb, which is
    # opened later, would bring them too late.
    target_link_options(DuckDB::headers INTERFACE
        -Wl,--push-state,--no-as-needed -l:libstdc++.so.6 -Wl,--pop-state)
endif()

find_library(DuckDBRuntime_LIBRARY NAMES duckdb HINTS ${DUCKDB_ROOT}/lib)
if(NOT DuckDBRuntime_LIBRARY)
    message(STATUS "libduckdb is missing; Parquet needs it. Run: scripts/deps build")
endif()
set(DuckDBRuntime_FOUND TRUE)

# Programs in the build tree find it where scripts/deps puts it, the installed worker beside itself (Install.cmake).
set(CMAKE_BUILD_RPATH ${DUCKDB_ROOT}/lib)
# The older kind of run path is the program's, whoever asks; the newer one is only the asking
# library's, and under a sanitizer that is the sanitizer.
add_link_options(-Wl,--disable-new-dtags)
