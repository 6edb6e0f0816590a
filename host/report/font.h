/* SPDX-License-Identifier: Apache-2.0
 *
 * The bitmap font; see image.h for drawing text. Internal. */
#ifndef ZOE_REPORT_FONT_H
#define ZOE_REPORT_FONT_H

#include <stdint.h>

enum { ZOE__FONT_FIRST = 32, ZOE__FONT_COUNT = 95, ZOE__FONT_COLUMNS = 5, ZOE__FONT_ROWS = 8 };

extern const uint8_t zoe__font[ZOE__FONT_COUNT][ZOE__FONT_COLUMNS];

#endif
