# Warnings and sanitizers, for our own targets only (interface library eim_options).
add_library(eim_options INTERFACE)
target_compile_options(eim_options INTERFACE
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
  -Wwrite-strings -Wformat=2 -fno-common)
if(EIM_WERROR)
  target_compile_options(eim_options INTERFACE -Werror)
endif()
# Names of files in messages of OpenSSL and in asserts, without the folder it was built in.
target_compile_options(eim_options INTERFACE -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
# 64 bits for sizes and inodes of files on 32-bit machines too, as the third parties have them: uv_fs_t has an off_t.
target_compile_definitions(eim_options INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
if(EIM_SANITIZE)
  # For every target, generated code too: TSan must see all of it.
  add_compile_options(-fsanitize=${EIM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${EIM_SANITIZE})
endif()
