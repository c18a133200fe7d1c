# Files inside the binary, by .incbin: the linker's own way (ld -r -b binary) would make the
# stack of the whole program executable.

# Sets <ret> to a source file that defines <symbol>_start and <symbol>_end around the bytes of file.
function(sluice_embed symbol file ret)
    set(out ${PROJECT_BINARY_DIR}/embed/${symbol}.S)
    file(CONFIGURE OUTPUT ${out} @ONLY CONTENT [[
        .section .rodata
        .global @symbol@_start, @symbol@_end
        .balign 16
@symbol@_start:
        .incbin "@file@"
@symbol@_end:
        .byte 0
        .section .note.GNU-stack,"",%progbits
]])
    set_source_files_properties(${out} PROPERTIES OBJECT_DEPENDS ${file})
    set(${ret} ${out} PARENT_SCOPE)
endfunction()

# Sets <ret> to the sources that define migrations_files[] and migrations_nfiles, as
# migrations/migrations.h declares them, from the files NNNN_name.sql of folder.
function(sluice_embed_migrations folder ret)
    file(GLOB files CONFIGURE_DEPENDS ${folder}/*.sql)
    set(sources)
    set(externs)
    set(rows)
    foreach(file IN LISTS files)
        cmake_path(GET file STEM name)
        if(NOT name MATCHES "^([0-9][0-9][0-9][0-9])_[a-z0-9_]+$")
            message(FATAL_ERROR "${file}: a migration is named NNNN_name.sql")
        endif()
        string(REGEX REPLACE "^0*([0-9]+)$" "\\1" version ${CMAKE_MATCH_1})
        sluice_embed(migration_${name} ${file} source)
        list(APPEND sources ${source})
        string(APPEND externs "extern const char migration_${name}_start[], migration_${name}_end[];\n")
        string(APPEND rows
            "    {${version}, \"${name}\", migration_${name}_start, migration_${name}_end},\n")
    endforeach()
    set(table ${PROJECT_BINARY_DIR}/embed/migrations_files.c)
    file(CONFIGURE OUTPUT ${table} @ONLY CONTENT [[
#include "migrations/migrations.h"

@externs@
const struct migration migrations_files[] = {
@rows@};
const size_t migrations_nfiles = sizeof(migrations_files) / sizeof(migrations_files[0]);
]])
    set(${ret} ${table} ${sources} PARENT_SCOPE)
endfunction()
