/* SPDX-License-Identifier: Apache-2.0
 *
 * The time of each launch, on a device opened with options.profile. */
#include "graph/state.h"

/* Adds the time of the last run, if it has not been taken yet; waits for it. */
static zoe_status take(zoe_plan *plan, zoe__launch *launch)
{
    double seconds;
    ZOE_TRY(zoe__event_take(plan->device, &launch->event, &seconds));
    launch->seconds += seconds;
    return ZOE_OK;
}

/* A call enqueues what it likes: only between two waits is its time its own. */
static zoe_status run_call(zoe_plan *plan, zoe__launch *launch)
{
    ZOE_TRY(zoe__device_finish(plan->device));
    const double start = zoe__seconds();
    ZOE_TRY(launch->call(plan->device, launch->user));
    ZOE_TRY(zoe__device_finish(plan->device));
    const double seconds = zoe__seconds() - start;
    launch->seconds += seconds;
    zoe__device_add_busy(plan->device, seconds);
    return ZOE_OK;
}

zoe_status zoe__profile_run_list(zoe_plan *plan, zoe__launch_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        zoe__launch *launch = &list->items[i];
        ZOE_TRY(take(plan, launch));
        if (launch->call)
            ZOE_TRY(run_call(plan, launch));
        else
            ZOE_TRY(zoe__kernel_run_event(launch->kernel, launch->dims, launch->global,
                                          launch->has_local ? launch->local : NULL, launch->label, &launch->event));
    }
    return ZOE_OK;
}

zoe_status zoe_plan_profile(zoe_plan *plan, double *seconds)
{
    ZOE_FAIL_IF(plan->context, !zoe__device_profiles(plan->device), ZOE_CONFIG,
                "profile: the device was opened without options.profile");
    for (int i = 0; i < ZOE__LISTS; i++) {
        zoe__launch_list *list = &plan->lists[zoe__report_order[i]];
        for (size_t k = 0; k < list->count; k++) {
            ZOE_TRY(take(plan, &list->items[k]));
            if (seconds) *seconds++ = list->items[k].seconds;
            list->items[k].seconds = 0;
        }
    }
    return ZOE_OK;
}

void zoe__profile_free(zoe_plan *plan)
{
    double seconds;
    for (int i = 0; i < ZOE__LISTS; i++)
        for (size_t k = 0; k < plan->lists[i].count; k++)
            zoe__event_take(plan->device, &plan->lists[i].items[k].event, &seconds);
}
