# SPDX-License-Identifier: Apache-2.0
# `cmake --install BUILD --prefix DIR`: binary, man pages, completions, and what a C or C++ program needs: headers, archives, zoetrope.pc.
# tests/install uses the result.
include(GNUInstallDirs)

install(TARGETS zoe_core zoe_media zoe ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/zoe DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# The archives name nothing themselves, so the libraries below them are Requires and not Requires.private. Paths are relative to the
# .pc file: the installed folder may be moved.
set(ZOE_PC_REQUIRES "libavformat libavcodec libavutil libswscale libswresample sndfile sqlite3 jansson libpng")
set(ZOE_PC_LIBRARIES "-lzoe -lzoe_media -lzoe_core")
if(ZOE_OPENCL)
    string(APPEND ZOE_PC_REQUIRES " OpenCL")
    if(ZOE_CLBLAST)
        string(APPEND ZOE_PC_LIBRARIES " -lclblast")
    endif()
endif()
file(RELATIVE_PATH ZOE_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/zoetrope.pc.in ${PROJECT_BINARY_DIR}/zoetrope.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/zoetrope.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The binary itself writes its pages: one a verb, and zoe.1 with all of them.
file(STRINGS ${PROJECT_BINARY_DIR}/generated/zoe_verbs.inc lines REGEX "^X\\(")
list(TRANSFORM lines REPLACE "^X\\((.*)\\)" "\\1" OUTPUT_VARIABLE verbs)
if(NOT CMAKE_CROSSCOMPILING)
    set(ZOE_VERBS "${verbs}")
    configure_file(${CMAKE_CURRENT_LIST_DIR}/install_pages.cmake.in ${PROJECT_BINARY_DIR}/install_pages.cmake @ONLY)
    install(SCRIPT ${PROJECT_BINARY_DIR}/install_pages.cmake)
endif()
