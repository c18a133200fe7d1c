# Language, warnings, sanitizers and hardening. sluice_own_code(target) is for code that we
# wrote: warnings are errors there, and only there.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# Asserts stay in every build: CMake's own flags for Release would define NDEBUG.
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_C_FLAGS_MINSIZEREL "-Os -g")
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release)
endif()

set(SLUICE_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them; empty: none")
option(SLUICE_FUZZ "Build the fuzz targets with libFuzzer; needs clang" OFF)
option(SLUICE_FAILPOINTS "Have the places at which tests make programs die or fail" OFF)

add_compile_definitions(_GNU_SOURCE SLUICE_VERSION="${PROJECT_VERSION}")
add_compile_options(
    -UNDEBUG
    -fno-omit-frame-pointer
    "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/="
    "-ffile-prefix-map=${PROJECT_BINARY_DIR}/=build/")

if(SLUICE_SANITIZE)
    add_compile_options(-fsanitize=${SLUICE_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${SLUICE_SANITIZE})
else()
    add_compile_definitions($<$<COMPILE_LANGUAGE:C>:_FORTIFY_SOURCE=2>)
    add_compile_options(-fstack-protector-strong)
    add_link_options(-pie -Wl,-z,relro,-z,now)
endif()
if(SLUICE_FAILPOINTS)
    add_compile_definitions(SLUICE_FAILPOINTS=1)
endif()
if(SLUICE_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "SLUICE_FUZZ needs clang: use the preset 'fuzz'")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

set(SLUICE_WARNINGS
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
    -Werror)

# Marks a target as code of ours: included from the root, and warnings are errors.
function(sluice_own_code target)
    target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR})
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:${SLUICE_WARNINGS}>)
endfunction()

# A header compiles alone: the target all_verify_interface_header_sets tries each.
set(CMAKE_VERIFY_INTERFACE_HEADER_SETS ON)
