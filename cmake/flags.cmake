# How every target is compiled. Assertions stay on in release builds: a broken
# invariant in a mail spool must stop the program, not the mail.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)

option(ELEKTRINE_FUZZ "build the libFuzzer targets (clang only)" OFF)
option(ELEKTRINE_COVERAGE "measure line coverage" OFF)
set(ELEKTRINE_SANITIZE "" CACHE STRING "value of -fsanitize= for every target")

add_library(elektrine_flags INTERFACE)
target_compile_definitions(elektrine_flags INTERFACE
	_GNU_SOURCE _FILE_OFFSET_BITS=64 ELEKTRINE_VERSION="${PROJECT_VERSION}")
target_compile_options(elektrine_flags INTERFACE
	-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes
	-Wmissing-prototypes -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef
	-Wvla -Wswitch-enum -Wimplicit-fallthrough -Werror
	-fstack-protector-strong -fno-omit-frame-pointer)
target_link_options(elektrine_flags INTERFACE -Wl,-z,relro,-z,now)

if(CMAKE_BUILD_TYPE STREQUAL "Release")
	target_compile_options(elektrine_flags INTERFACE
		-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
	set(CMAKE_EXE_LINKER_FLAGS "${CMAKE_EXE_LINKER_FLAGS} -pie")
endif()

if(ELEKTRINE_SANITIZE)
	target_compile_options(elektrine_flags INTERFACE
		-fsanitize=${ELEKTRINE_SANITIZE} -fno-sanitize-recover=all)
	target_link_options(elektrine_flags INTERFACE
		-fsanitize=${ELEKTRINE_SANITIZE})
endif()

if(ELEKTRINE_FUZZ)
	# The libraries are instrumented; only the targets link the driver.
	# Optimised, and without a report of each comparison (dictionaries know
	# the words, and calls of strcmp are watched anyway), a target tries
	# several times as many inputs.
	target_compile_options(elektrine_flags INTERFACE -O2
		-fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp)
endif()

if(ELEKTRINE_COVERAGE)
	target_compile_options(elektrine_flags INTERFACE --coverage)
	target_link_options(elektrine_flags INTERFACE --coverage)
endif()
