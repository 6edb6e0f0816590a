/* SPDX-License-Identifier: Apache-2.0
 *
 * IEEE 754 halves on processors with and without them. Internal. */
#ifndef ZOE__HALF_H
#define ZOE__HALF_H

#include <stddef.h>
#include <stdint.h>

/* The nearest half, ties to even; from 65520 on infinity. A NaN stays one. */
uint16_t zoe__half_of(float value);
float zoe__half_value(uint16_t half);

/* count numbers in place: floats to the halves in the first half of the memory, and back. */
void zoe__halves_from_floats(void *memory, size_t count);
void zoe__floats_from_halves(void *memory, size_t count);

#endif
