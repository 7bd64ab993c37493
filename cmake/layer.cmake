# layer(NAME LINKS...): the folder NAME as one static library. Its headers are
# included as "name/module.h", and only by those who link it.
function(layer name)
	file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
	list(FILTER sources EXCLUDE REGEX "/main\\.c$")
	set(root ${CMAKE_BINARY_DIR}/layers/${name})
	file(MAKE_DIRECTORY ${root})
	file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${root}/${name} SYMBOLIC)
	add_library(${name} STATIC ${sources})
	target_include_directories(${name} PUBLIC ${root})
	target_link_libraries(${name} PUBLIC elektrine_flags ${ARGN})
endfunction()

# What is installed, without the tests.
add_custom_target(programs)

# program(NAME LAYER): main.c beside this list, linked with its layer.
function(program name)
	add_executable(${name} main.c)
	add_dependencies(programs ${name})
	target_link_libraries(${name} PRIVATE ${ARGN})
endfunction()
