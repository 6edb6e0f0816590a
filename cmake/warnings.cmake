# SPDX-License-Identifier: Apache-2.0
add_library(zoe_warnings INTERFACE)
target_compile_options(zoe_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes
                       -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 $<$<BOOL:${ZOE_WERROR}>:-Werror>)
