/* SPDX-License-Identifier: Apache-2.0
 *
 * `bench gemm --net`: the matrix products that the layers of a network are. Internal. */
#ifndef ZOE__GEMM_NET_H
#define ZOE__GEMM_NET_H

#include <zoe/option.h>

/* Ids of cases "gemm FORM MxNxK", each also by OpenBLAS and CLBlast; no id twice. */
typedef struct zoe__gemm_net {
    const char **ids; /* ended by NULL */
    size_t count, capacity;
    char suite_id[128];
} zoe__gemm_net;

/* Options net, batch, size. A linear layer of N rows, C inputs and K outputs is nt NxKxC, its gradients nn NxCxK and tn
 * KxCxN. A convolution is the same of each group, with a row for each place of its output and C R S inputs (Chellapilla
 * et al. 2006: the windows as columns), for all pictures at once. ZOE_CONFIG: an unknown network. */
zoe_status zoe__gemm_net_list(zoe_context *context, const zoe_options *options, zoe__gemm_net *out);
void zoe__gemm_net_free(zoe__gemm_net *products);

#endif
