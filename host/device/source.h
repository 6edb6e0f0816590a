/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of the kernels: embedded in the library, or from the folder ZOE_CL_DIR while developing. */
#ifndef ZOE__SOURCE_H
#define ZOE__SOURCE_H

#include "core/core.h"

/* cl/common.cl, what cl/NAME.cl shares with another, and cl/NAME.cl, each behind a #line with its file name, so that
 * compilers name our files. ZOE_CL_DIR is asked first, file by file. *out is the caller's to free(). ZOE_BUILD: there
 * is no such program. */
zoe_status zoe__source_get(char **out, zoe_context *context, const char *name);

/* Names of the embedded files; NULL past the end. */
const char *zoe__source_at(size_t index);

/* Whether a file is no program but stands in front of some. */
bool zoe__source_is_part(const char *name);

/* Some files take no options and can be one program: ZOE__BUNDLE as a name gives all of them. */
#define ZOE__BUNDLE "bundle"
bool zoe__source_is_bundled(const char *name);

/* Names what this library computes with: version and the first 16 digits of the SHA-256 over all embedded kernels;
 * "+ZOE_CL_DIR" behind it while they come from a folder. What was found out about one build says nothing of another. */
void zoe__build_id(char text[64]);

#endif
