/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate/npy.h"
#include "train/safe_file.h"

enum { WAV_HEAD = 44 };

static const char *state_name(zoe_sound_state state)
{
    switch (state) {
    case ZOE_SOUND_NONE: return "none";
    case ZOE_SOUND_GOOD: return "good";
    case ZOE_SOUND_SILENT: return "silent";
    case ZOE_SOUND_BROKEN: return "broken";
    default: return "unknown";
    }
}

/* ---- one second ---- */

static zoe_status check_sound(zoe__cli *cli, const zoe_clip *clip)
{
    const zoe_sound *s = &clip->sound;
    ZOE_FAIL_IF(cli->context, s->state == ZOE_SOUND_NONE, ZOE_DATA, "%s: there is no sound in it", s->path);
    ZOE_FAIL_IF(cli->context, s->state == ZOE_SOUND_BROKEN, ZOE_DATA, "%s: its sound cannot be used: %s", s->path,
                s->reason);
    ZOE_FAIL_IF(cli->context, s->state == ZOE_SOUND_UNKNOWN, ZOE_DATA,
                "%s: the pack was made without sound; index its files again", s->path);
    return ZOE_OK;
}

zoe_status zoe__second_read(zoe__cli *cli, zoe__second *second, zoe_pack *pack, zoe_reader *reader, size_t clip,
                            double at)
{
    const zoe_spectrum_options standard = zoe_spectrum_options_default();
    zoe__second *s = second;
    *s = (zoe__second){.rate = zoe_pack_sound_rate(pack)};
    ZOE_TRY(check_sound(cli, zoe_pack_clip(pack, clip)));
    s->samples = s->rate;
    ZOE_TRY(zoe_spectrum_shape(cli->context, &standard, (size_t)s->samples, &s->bins, &s->frames));
    ZOE_TRY(zoe__calloc(cli->context, &s->pcm, (size_t)s->samples, sizeof *s->pcm));
    ZOE_TRY(zoe__calloc(cli->context, &s->spectrum, (size_t)s->bins * (size_t)s->frames, sizeof *s->spectrum));
    ZOE_TRY(zoe_reader_sound(reader, clip, at, (size_t)s->samples, s->pcm));
    return zoe_spectrum(cli->context, &standard, s->pcm, (size_t)s->samples, s->spectrum);
}

void zoe__second_clear(zoe__second *second)
{
    free(second->pcm);
    free(second->spectrum);
    *second = (zoe__second){0};
}

static void put(uint8_t *to, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> 8 * i);
}

static void fill_wav(uint8_t *to, const zoe__second *s)
{
    const uint32_t bytes = 2 * (uint32_t)s->samples, rate = (uint32_t)s->rate;
    memcpy(to,
           "RIFF....WAVEfmt "
           "...................."
           "data....",
           WAV_HEAD);
    put(to + 4, WAV_HEAD - 8 + bytes, 4);
    put(to + 16, 16, 4); /* bytes of the form: */
    put(to + 20, 1, 2);  /* integers, */
    put(to + 22, 1, 2);  /* one channel, */
    put(to + 24, rate, 4);
    put(to + 28, 2 * rate, 4); /* bytes a second, */
    put(to + 32, 2, 2);        /* bytes a sample of all channels, */
    put(to + 34, 16, 2);       /* bits */
    put(to + 40, bytes, 4);
    for (int i = 0; i < s->samples; i++) {
        const long v = lrintf(s->pcm[i] * 32768);
        put(to + WAV_HEAD + 2 * i, (uint32_t)(v > INT16_MAX ? INT16_MAX : v), 2);
    }
}

zoe_status zoe__second_write_wav(zoe__cli *cli, const zoe__second *second, const char *path)
{
    zoe__safe_file file = {.fd = -1};
    uint8_t *bytes;
    const size_t size = WAV_HEAD + 2 * (size_t)second->samples;
    ZOE_TRY(zoe__calloc(cli->context, &bytes, size, 1));
    fill_wav(bytes, second);
    zoe_status status = zoe__safe_open(&file, cli->context, path);
    if (status == ZOE_OK) status = zoe__safe_write(&file, bytes, size);
    if (status == ZOE_OK) status = zoe__safe_commit(&file);
    zoe__safe_abandon(&file);
    free(bytes);
    return status;
}

zoe_status zoe__second_write_npy(zoe__cli *cli, const zoe__second *second, const char *path)
{
    zoe__npy npy = {0};
    zoe_status status = zoe__npy_open(&npy, cli->context, path, (size_t)second->frames);
    if (status == ZOE_OK) status = zoe__npy_add(&npy, second->spectrum, (size_t)second->bins);
    if (status == ZOE_OK) status = zoe__npy_commit(&npy);
    zoe__npy_abandon(&npy);
    return status;
}

/* Black, violet, red, orange, white: brighter all along, so that it reads without colours, too. */
static void shade(float x, uint8_t rgb[3])
{
    static const uint8_t stop[5][3] = {{0, 0, 4}, {81, 18, 124}, {183, 55, 121}, {252, 137, 97}, {252, 253, 191}};
    const float at = 4 * fminf(fmaxf(x, 0), 1);
    const int i = at < 3 ? (int)at : 3;
    for (int c = 0; c < 3; c++) {
        const float low = stop[i][c], high = stop[i + 1][c];
        rgb[c] = (uint8_t)(low + (high - low) * (at - (float)i) + 0.5f);
    }
}

void zoe__second_draw(const zoe__second *second, zoe__image *image, int x, int y, int width)
{
    const zoe__second *s = second;
    const int count = s->bins * s->frames;
    float low = s->spectrum[0], high = low;
    for (int i = 0; i < count; i++) low = fminf(low, s->spectrum[i]), high = fmaxf(high, s->spectrum[i]);
    const float scale = high > low ? 1 / (high - low) : 0;
    for (int b = 0; b < s->bins; b++)
        for (int c = 0; c < width; c++) {
            uint8_t rgb[3];
            const int frame = (int)((int64_t)c * s->frames / width);
            shade((s->spectrum[b * s->frames + frame] - low) * scale, rgb);
            zoe__image_blit(image, x + c, y + s->bins - 1 - b, rgb, 1, 1, 1);
        }
}

/* ---- what there is ---- */

json_t *zoe__sound_json(const zoe_sound *sound)
{
    const zoe_sound *s = sound;
    return json_pack("{s:s, s:o, s:s, s:s, s:i, s:i, s:f, s:f, s:I, s:f, s:I, s:I, s:I}", "state", state_name(s->state),
                     "file", zoe__cli_text(s->path), "reason", s->reason, "codec", s->codec, "rate", s->rate,
                     "channels", s->channels, "start", s->start, "end", s->end, "samples", (json_int_t)s->samples,
                     "peak", s->peak, "nan_samples", (json_int_t)s->nans, "clipped_samples", (json_int_t)s->clipped,
                     "faults", (json_int_t)s->faults);
}

typedef struct tally {
    int64_t clips[ZOE_SOUND_UNKNOWN + 1];
    double seconds;
    int64_t nans, nan_clips, clipped, clipped_clips;
} tally;

static void count(tally *t, const zoe_sound *s)
{
    t->clips[s->state]++;
    t->seconds += s->end - s->start;
    t->nans += s->nans;
    t->nan_clips += s->nans > 0;
    t->clipped += s->clipped;
    t->clipped_clips += s->clipped > 0;
}

json_t *zoe__sounds_json(const zoe_pack *pack)
{
    tally t = {0};
    json_t *broken = json_array();
    for (size_t i = 0; i < zoe_pack_clips(pack); i++) {
        const zoe_sound *s = &zoe_pack_clip(pack, i)->sound;
        count(&t, s);
        if (s->state == ZOE_SOUND_BROKEN)
            json_array_append_new(
                broken, json_pack("{s:o, s:o}", "file", zoe__cli_text(s->path), "reason", zoe__cli_text(s->reason)));
    }
    return json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:o}", "rate", zoe_pack_sound_rate(pack),
                     "good", (json_int_t)t.clips[ZOE_SOUND_GOOD], "none", (json_int_t)t.clips[ZOE_SOUND_NONE], "silent",
                     (json_int_t)t.clips[ZOE_SOUND_SILENT], "broken", (json_int_t)t.clips[ZOE_SOUND_BROKEN], "unknown",
                     (json_int_t)t.clips[ZOE_SOUND_UNKNOWN], "seconds", t.seconds, "nan_samples", (json_int_t)t.nans,
                     "nan_clips", (json_int_t)t.nan_clips, "clipped_samples", (json_int_t)t.clipped, "clipped_clips",
                     (json_int_t)t.clipped_clips, "broken_files", broken);
}

static long long number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

void zoe__sounds_print(const json_t *sounds)
{
    size_t i;
    json_t *row;
    printf("sound    %lld clips with, %lld without, %lld silent, %lld broken; %.1f s at %lld Hz\n",
           number(sounds, "good"), number(sounds, "none"), number(sounds, "silent"), number(sounds, "broken"),
           json_number_value(json_object_get(sounds, "seconds")), number(sounds, "rate"));
    if (number(sounds, "unknown"))
        printf("         %lld clips were indexed without sound: index their files again to have it\n",
               number(sounds, "unknown"));
    if (number(sounds, "nan_samples"))
        printf("         %lld samples that are no numbers, in %lld clips: they are silence now\n",
               number(sounds, "nan_samples"), number(sounds, "nan_clips"));
    if (number(sounds, "clipped_samples"))
        printf("         %lld clipped samples, in %lld clips\n", number(sounds, "clipped_samples"),
               number(sounds, "clipped_clips"));
    json_array_foreach(json_object_get(sounds, "broken_files"), i, row)
        printf("broken   %s: %s\n", json_string_value(json_object_get(row, "file")),
               json_string_value(json_object_get(row, "reason")));
}
