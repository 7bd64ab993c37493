# Writes the files of a folder as C: cmake -DFOLDER=... -DOUT=... -P embed.cmake
# status.html becomes `const struct page_file page_status_html`.
file(GLOB files ${FOLDER}/*)
list(SORT files)
set(text "#include \"httpapi/page.h\"\n")
foreach(path ${files})
	get_filename_component(name ${path} NAME)
	string(REPLACE "." "_" name ${name})
	file(READ ${path} bytes HEX)
	string(LENGTH "${bytes}" digits)
	math(EXPR len "${digits} / 2")
	string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
	string(APPEND text "static const unsigned char data_${name}[] = {${bytes}};\n"
		"const struct page_file page_${name} = {data_${name}, ${len}};\n")
endforeach()
file(WRITE ${OUT} "${text}")
