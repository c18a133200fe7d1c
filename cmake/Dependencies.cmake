# Foreign libraries, as Debian ships them. A missing one stops here, with the way to get it.

find_package(PkgConfig REQUIRED)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

# Finds a library by pkg-config as PkgConfig::<prefix>.
function(sluice_need prefix module)
    pkg_check_modules(${prefix} IMPORTED_TARGET GLOBAL ${module})
    if(NOT ${prefix}_FOUND)
        message(FATAL_ERROR "${module} is missing. Run: scripts/deps build")
    endif()
endfunction()

# Finds a program; the result is in the variable <name>.
function(sluice_need_program name program)
    find_program(${name} ${program})
    if(NOT ${name})
        message(FATAL_ERROR "${program} is missing. Run: scripts/deps build")
    endif()
endfunction()

sluice_need(LIBPQ libpq)
sluice_need(OPENSSL openssl)
sluice_need(PROTOBUF_C libprotobuf-c)
sluice_need(GRPC grpc)
sluice_need(H2O libh2o-evloop)
sluice_need(ZLIB zlib)
sluice_need_program(PROTOC protoc)
sluice_need_program(PROTOC_C protoc-c)

# The C surface of gRPC is these two; the module of pkg-config also names what they use themselves.
add_library(sluice_grpc INTERFACE)
target_link_libraries(sluice_grpc INTERFACE grpc gpr)

# The module does not say which event loop the library was built for.
add_library(sluice_h2o INTERFACE)
target_link_libraries(sluice_h2o INTERFACE PkgConfig::H2O)
target_compile_definitions(sluice_h2o INTERFACE H2O_USE_EPOLL=1)

find_package(DuckDBRuntime)
