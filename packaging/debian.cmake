# Run by cpack on the files of its packages before it packs them: what Debian's policy asks of the contents beyond what
# `cmake --install` does. Manual pages are compressed, each package has its licence and its changes, a static library has no names
# that only a debugger reads.
if(NOT CPACK_GENERATOR STREQUAL DEB)
    return()
endif()

set(version "${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}")
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC) # or that of SOURCE_DATE_EPOCH
file(GLOB components "${CPACK_TEMPORARY_DIRECTORY}/*")
foreach(folder IN LISTS components)
    get_filename_component(component "${folder}" NAME)
    string(TOUPPER "${component}" component)
    set(package "${CPACK_DEBIAN_${component}_PACKAGE_NAME}")
    set(doc "${folder}/usr/share/doc/${package}")
    file(MAKE_DIRECTORY "${doc}")
    configure_file("${CMAKE_CURRENT_LIST_DIR}/../LICENSE" "${doc}/copyright" COPYONLY)
    configure_file("${CMAKE_CURRENT_LIST_DIR}/../CHANGELOG.md" "${doc}/changelog" COPYONLY)
    file(WRITE "${doc}/changelog.Debian" "clxent (${version}) unstable; urgency=medium\n\n"
        "  * Version ${CPACK_PACKAGE_VERSION}, packaged by CPack.\n\n -- ${CPACK_PACKAGE_CONTACT}  ${now}\n")
    file(GLOB pages "${folder}/usr/share/man/man*/*")
    execute_process(COMMAND gzip -9n ${pages} "${doc}/changelog" "${doc}/changelog.Debian" COMMAND_ERROR_IS_FATAL ANY)
    file(GLOB_RECURSE archives "${folder}/*.a")
    foreach(archive IN LISTS archives)
        execute_process(COMMAND "${CPACK_CLXENT_STRIP}" --strip-debug --remove-section=.comment --remove-section=.note
            --enable-deterministic-archives "${archive}" COMMAND_ERROR_IS_FATAL ANY)
    endforeach()
endforeach()
