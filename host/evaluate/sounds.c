/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/sounds.h"

#include <math.h>
#include <stdlib.h>

static double length_of(const zoe__windows *windows)
{
    return (double)windows->samples / windows->rate;
}

static int windows_of(const zoe__windows *windows, const zoe_clip *clip)
{
    if (clip->sound.state != ZOE_SOUND_GOOD) return 0;
    const int whole = (int)floor((clip->sound.end - clip->sound.start) / length_of(windows) + 1e-6);
    return whole > 1 ? whole : 1;
}

double zoe__windows_start(const zoe__windows *windows, const zoe_clip *clip, int number)
{
    const double room = clip->sound.end - clip->sound.start - length_of(windows);
    return room < 0 ? clip->sound.start + room / 2 : clip->sound.start + number * length_of(windows);
}

zoe_status zoe__windows_pick(const zoe__windows *windows, zoe__pick **out, size_t *count, size_t *without,
                             zoe_context *context, const zoe_pack *pack, const size_t *clips, size_t clip_count,
                             int first, int every)
{
    size_t capacity = 0;
    *out = NULL;
    *count = *without = 0;
    for (size_t i = 0; i < clip_count; i++) {
        const int all = windows_of(windows, zoe_pack_clip(pack, clips[i]));
        *without += all <= first;
        for (int k = first; k < all; k += every) {
            const zoe_status status = zoe__grow(context, out, &capacity, *count + 1, sizeof **out);
            if (status != ZOE_OK) {
                free(*out);
                *out = NULL;
                return status;
            }
            (*out)[(*count)++] = (zoe__pick){clips[i], k};
        }
    }
    return ZOE_OK;
}

zoe_status zoe__windows_read(const zoe__windows *windows, zoe_context *context, zoe_pack *pack, const zoe__pick *picks,
                             size_t count, float *pcm)
{
    zoe_reader *reader;
    const int rate = zoe_pack_sound_rate(pack);
    ZOE_FAIL_IF(context, rate != windows->rate, ZOE_CONFIG,
                "the clips' sound is at %d Hz, the network listens at %d (zoe index --rate)", rate, windows->rate);
    ZOE_TRY(zoe_reader_new(&reader, context, pack));
    zoe_status status = ZOE_OK;
    for (size_t i = 0; i < count && status == ZOE_OK; i++)
        status = zoe_reader_sound(reader, picks[i].clip,
                                  zoe__windows_start(windows, zoe_pack_clip(pack, picks[i].clip), picks[i].rank),
                                  windows->samples, pcm + i * windows->samples);
    zoe_reader_free(&reader);
    return status;
}

/* Dark blue, red, yellow, white. */
static void colour(double share, uint8_t *rgb)
{
    const double x = share < 0 ? 0 : share > 1 ? 1 : share;
    rgb[0] = (uint8_t)lrint(255 * fmin(1, 1.8 * x));
    rgb[1] = (uint8_t)lrint(255 * fmax(0, fmin(1, 2.2 * x - 0.9)));
    rgb[2] = (uint8_t)lrint(255 * fmax(0.25 * (1 - 2 * x), 3 * x - 2) * (x < 0.5 || x > 0.667));
}

zoe_status zoe__windows_draw(const zoe__windows *windows, zoe_context *context, const float *pcm, size_t count,
                             int side, uint8_t *rgb)
{
    const zoe_spectrum_options options = zoe_spectrum_options_default();
    const double floor_level = -6, top = 4; /* natural logarithms */
    int bins, frames;
    float *spectrum;
    ZOE_TRY(zoe_spectrum_shape(context, &options, windows->samples, &bins, &frames));
    ZOE_TRY(zoe__calloc(context, &spectrum, (size_t)bins * (size_t)frames, sizeof *spectrum));
    zoe_status status = ZOE_OK;
    for (size_t i = 0; i < count && status == ZOE_OK; i++) {
        status = zoe_spectrum(context, &options, pcm + i * windows->samples, windows->samples, spectrum);
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++) {
                const size_t bin = (size_t)((side - 1 - y) * bins / side), frame = (size_t)(x * frames / side);
                const double level = (double)spectrum[bin * (size_t)frames + frame];
                colour((level - floor_level) / (top - floor_level),
                       rgb + ((i * (size_t)side + (size_t)y) * (size_t)side + (size_t)x) * 3);
            }
    }
    free(spectrum);
    return status;
}
