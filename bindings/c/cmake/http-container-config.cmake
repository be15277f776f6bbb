# SPDX-License-Identifier: MIT OR Apache-2.0
#
#   find_package(http-container 1.0 REQUIRED)
#   http_container_add_module(hello hello.c)        makes hello.so, which a container loads
#
# Target http-container::abi carries the headers, for libraries and tests.

get_filename_component(_http_container_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET http-container::abi)
  add_library(http-container::abi INTERFACE IMPORTED)
  set_target_properties(http-container::abi PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${_http_container_prefix}/include")
endif()
unset(_http_container_prefix)

# A module of the given sources: a library that is loaded, not linked against, and exports nothing but its entry symbol.
function(http_container_add_module name)
  if(NOT ARGN)
    message(FATAL_ERROR "http_container_add_module(${name}): name at least one source file")
  endif()
  add_library(${name} MODULE ${ARGN})
  target_link_libraries(${name} PRIVATE http-container::abi)
  set_target_properties(${name} PROPERTIES
    PREFIX ""
    C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
endfunction()
