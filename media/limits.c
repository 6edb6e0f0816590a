/* SPDX-License-Identifier: Apache-2.0 */
#include <zoe/media.h>

zoe_media_limits zoe_media_limits_default(void)
{
    return (zoe_media_limits){.max_file_bytes = (int64_t)8 << 30,
                              .max_pixels = 4096 * 4096,
                              .max_streams = 64,
                              .max_frames = 1 << 20,
                              .seconds_per_clip = 60,
                              .min_clean = 0.5,
                              .max_sound = 21600};
}
