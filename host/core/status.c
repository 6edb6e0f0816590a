/* SPDX-License-Identifier: Apache-2.0 */
#include <zoe/status.h>

static const struct {
    const char *name;
    const char *text;
    int exit_code;
} statuses[] = {
#define ZOE_STATUS_ROW(name, exit_code, text) {"ZOE_" #name, text, exit_code},
    ZOE_STATUS_MAP(ZOE_STATUS_ROW)
#undef ZOE_STATUS_ROW
};

static int known(zoe_status status)
{
    return (int)status >= 0 && (int)status < ZOE_STATUS_COUNT;
}

const char *zoe_status_name(zoe_status status)
{
    return known(status) ? statuses[status].name : "ZOE_?";
}

const char *zoe_status_text(zoe_status status)
{
    return known(status) ? statuses[status].text : "unknown status";
}

int zoe_status_exit_code(zoe_status status)
{
    return known(status) ? statuses[status].exit_code : 2;
}
