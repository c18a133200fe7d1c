# The library sluice_proto: C code that protoc-c makes of proto/, of the well-known types that it
# uses, and a descriptor set for reflection. All of it stays in the build tree.

set(SLUICE_WELL_KNOWN any descriptor duration empty field_mask timestamp wrappers)

# Runs protoc-c for one file below root and appends what it makes to the list <ret>.
function(sluice_proto_generate root file out ret)
    cmake_path(REMOVE_EXTENSION file LAST_ONLY OUTPUT_VARIABLE stem)
    set(outputs ${out}/${stem}.pb-c.c ${out}/${stem}.pb-c.h)
    add_custom_command(
        OUTPUT ${outputs}
        COMMAND ${PROTOC_C} --c_out=${out} -I${root} -I${PROJECT_SOURCE_DIR}/proto
                -I${PROTOBUF_IMPORT_DIR} ${root}/${file}
        DEPENDS ${root}/${file}
        COMMENT "protoc-c ${file}"
        VERBATIM)
    set(${ret} ${${ret}} ${outputs} PARENT_SCOPE)
endfunction()

# Writes one descriptor set of files, with what the option of protoc adds to it.
function(sluice_proto_descriptors out option)
    add_custom_command(
        OUTPUT ${out}
        COMMAND ${PROTOC} ${option} --descriptor_set_out=${out}
                -I${PROJECT_SOURCE_DIR}/proto -I${PROTOBUF_IMPORT_DIR} ${ARGN}
        DEPENDS ${ARGN}
        COMMENT "protoc ${out}"
        VERBATIM)
endfunction()

function(sluice_proto)
    set(root ${PROJECT_SOURCE_DIR}/proto)
    file(GLOB_RECURSE files CONFIGURE_DEPENDS ${root}/*.proto)
    if(NOT files)
        return()
    endif()
    find_path(PROTOBUF_IMPORT_DIR google/protobuf/any.proto REQUIRED)

    set(gen ${PROJECT_BINARY_DIR}/gen)
    file(MAKE_DIRECTORY ${gen})
    set(made)
    foreach(name IN LISTS SLUICE_WELL_KNOWN)
        sluice_proto_generate(${PROTOBUF_IMPORT_DIR} google/protobuf/${name}.proto ${gen} made)
    endforeach()
    foreach(file IN LISTS files)
        if(file MATCHES "/protobuf-c/")
            continue() # options for protoc-c itself, which makes no code of them
        endif()
        cmake_path(RELATIVE_PATH file BASE_DIRECTORY ${root})
        sluice_proto_generate(${root} ${file} ${gen} made)
    endforeach()

    # What reflection serves leaves out the messages that never travel; the gate sees all.
    set(public ${files})
    list(FILTER public EXCLUDE REGEX "/sluice/internal/")
    sluice_proto_descriptors(${PROJECT_BINARY_DIR}/public.binpb --include_imports ${public})
    sluice_proto_descriptors(${PROJECT_BINARY_DIR}/all.binpb --include_imports ${files})
    # The OpenAPI document says what the comments of these say.
    set(documented ${files})
    list(FILTER documented INCLUDE REGEX "/sluice/v1/")
    sluice_proto_descriptors(${PROJECT_BINARY_DIR}/documented.binpb --include_source_info
        ${documented})
    add_custom_target(sluice_descriptors ALL DEPENDS ${PROJECT_BINARY_DIR}/all.binpb)
    sluice_embed(sluice_descriptor_set ${PROJECT_BINARY_DIR}/public.binpb source)
    sluice_embed(sluice_documented_descriptor_set ${PROJECT_BINARY_DIR}/documented.binpb documents)

    add_library(sluice_proto STATIC ${made} ${source} ${documents})
    target_compile_options(sluice_proto PRIVATE $<$<COMPILE_LANGUAGE:C>:-w>)
    target_include_directories(sluice_proto SYSTEM PUBLIC ${gen})
    target_link_libraries(sluice_proto PUBLIC PkgConfig::PROTOBUF_C)
endfunction()

# The messages of one room: what protoc-c makes of <room>/<file>, linked into the room's library.
function(sluice_room_messages target room)
    set(gen ${PROJECT_BINARY_DIR}/gen)
    file(MAKE_DIRECTORY ${gen})
    set(made)
    foreach(file IN LISTS ARGN)
        sluice_proto_generate(${PROJECT_SOURCE_DIR} ${room}/${file} ${gen} made)
    endforeach()
    add_library(${target}_messages STATIC ${made})
    target_compile_options(${target}_messages PRIVATE $<$<COMPILE_LANGUAGE:C>:-w>)
    target_include_directories(${target}_messages SYSTEM PUBLIC ${gen})
    target_link_libraries(${target}_messages PUBLIC PkgConfig::PROTOBUF_C)
    target_link_libraries(${target} PUBLIC ${target}_messages)
endfunction()
