# Writes the files of this folder into one C++ source: cmake -DOUT=… -P embed.cmake
get_filename_component(folder "${CMAKE_SCRIPT_MODE_FILE}" DIRECTORY)
set(code "// Made from lb/admin/dashboard by embed.cmake.\n#include \"lb/admin/dashboard.h\"\n\n")
string(APPEND code "namespace sstplb::admin {\n")
foreach(pair "kDashboardHtml:index.html" "kDashboardScript:app.js" "kDashboardStyle:style.css")
  string(REPLACE ":" ";" pair "${pair}")
  list(GET pair 0 name)
  list(GET pair 1 file)
  file(READ "${folder}/${file}" text HEX)
  # Bytes, not a string literal: no limit of length and nothing to escape.
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," text "${text}")
  string(APPEND code "static constexpr char ${name}Bytes[] = {${text}'\\0'};\n"
    "const std::string_view ${name}{${name}Bytes, sizeof ${name}Bytes - 1};\n")
endforeach()
string(APPEND code "}  // namespace sstplb::admin\n")
file(WRITE "${OUT}" "${code}")
