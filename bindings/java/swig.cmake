# cmake -DSWIG=swig -DJAVA=…/io/libeim -DWRAPPER=…/eim_java.c -P swig.cmake: the generated half of the Java package, into
# the folder JAVA, which is made anew, and the C that goes with it. CMakeLists.txt uses it, and Gradle in android/.
cmake_path(SET root NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../..)
cmake_path(GET WRAPPER PARENT_PATH folder)
file(REMOVE_RECURSE ${JAVA})
file(MAKE_DIRECTORY ${JAVA} ${folder})
execute_process(
  COMMAND ${SWIG} -java -package io.libeim -I${root}/core/include -I${root}/bindings/swig -outdir ${JAVA} -o ${WRAPPER}
    ${CMAKE_CURRENT_LIST_DIR}/eim_java.i
  COMMAND_ERROR_IS_FATAL ANY)
# SWIG makes its interface of constants public and has no switch for that. Only the package needs it.
file(READ ${JAVA}/CoreConstants.java text)
string(REPLACE "public interface " "interface " text "${text}")
file(WRITE ${JAVA}/CoreConstants.java "${text}")
