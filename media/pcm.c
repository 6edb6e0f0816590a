/* SPDX-License-Identifier: Apache-2.0 */
#include "media/pcm.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { HEAD = sizeof ZOE__PCM_MAGIC - 1, BLOCK = 4096 };

static const float SCALE = 32768;

void zoe__pcm_init(zoe__pcm *pcm, zoe_context *context, const char *path, int64_t most)
{
    *pcm = (zoe__pcm){.context = context, .path = path, .bytes = 2, .most = most};
}

static zoe_status fault(const zoe__pcm *pcm)
{
    return zoe__fail(pcm->context, ZOE_DISK, "cannot write to the pack: %s", strerror(errno));
}

/* [-1, 1): what is no number is silence. */
static float clamp(float x)
{
    static const float HIGHEST = 1 - 0x1p-24f;
    if (x >= -1 && x <= HIGHEST) return x;
    return x > HIGHEST ? HIGHEST : x < -1 ? -1 : 0;
}

static bool fits_int16(const float *x, size_t n)
{
    bool fits = true;
    for (size_t i = 0; i < n; i++) {
        const float scaled = x[i] * SCALE;
        fits &= scaled == (float)(int)scaled;
    }
    return fits;
}

static void put_int16(uint8_t *to, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const unsigned v = (unsigned)(int)(x[i] * SCALE) & 0xffff;
        to[2 * i] = (uint8_t)v;
        to[2 * i + 1] = (uint8_t)(v >> 8);
    }
}

static void put_float(uint8_t *to, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t v;
        memcpy(&v, &x[i], sizeof v);
        for (int b = 0; b < 4; b++) to[4 * i + (size_t)b] = (uint8_t)(v >> 8 * b);
    }
}

static void get_samples(float *x, const uint8_t *from, size_t n, int bytes)
{
    for (size_t i = 0; bytes == 2 && i < n; i++)
        x[i] = (float)(int16_t)(uint16_t)(from[2 * i] | from[2 * i + 1] << 8) / SCALE;
    for (size_t i = 0; bytes == 4 && i < n; i++) {
        const uint8_t *p = from + 4 * i;
        const uint32_t v = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        memcpy(&x[i], &v, sizeof v);
    }
}

/* The first sample that is no 16-bit number: all before it become float, from the last one on, in their place. */
static zoe_status widen(zoe__pcm *pcm)
{
    uint8_t narrow[2 * BLOCK], wide[4 * BLOCK];
    float x[BLOCK];
    for (int64_t end = pcm->samples; end > 0;) {
        const size_t n = end < BLOCK ? (size_t)end : BLOCK;
        const int64_t at = end - (int64_t)n;
        if (fseeko(pcm->file, HEAD + 2 * at, SEEK_SET) < 0 || fread(narrow, 2, n, pcm->file) != n) return fault(pcm);
        get_samples(x, narrow, n, 2);
        put_float(wide, x, n);
        if (fseeko(pcm->file, HEAD + 4 * at, SEEK_SET) < 0 || fwrite(wide, 4, n, pcm->file) != n) return fault(pcm);
        end = at;
    }
    pcm->bytes = 4;
    return fseeko(pcm->file, HEAD + 4 * pcm->samples, SEEK_SET) < 0 ? fault(pcm) : ZOE_OK;
}

static zoe_status add_block(zoe__pcm *pcm, const float *samples, size_t n)
{
    float x[BLOCK];
    uint8_t bytes[4 * BLOCK];
    for (size_t i = 0; i < n; i++) x[i] = clamp(samples[i]);
    for (size_t i = 0; i < n; i++) pcm->peak = fmaxf(pcm->peak, fabsf(x[i]));
    if (pcm->bytes == 2 && !fits_int16(x, n)) ZOE_TRY(widen(pcm));
    if (pcm->bytes == 2)
        put_int16(bytes, x, n);
    else
        put_float(bytes, x, n);
    if (fwrite(bytes, (size_t)pcm->bytes, n, pcm->file) != n) return fault(pcm);
    pcm->samples += (int64_t)n;
    return ZOE_OK;
}

zoe_status zoe__pcm_add(zoe__pcm *pcm, const float *samples, size_t n)
{
    ZOE_FAIL_IF(pcm->context, (int64_t)n > pcm->most - pcm->samples, ZOE_DATA, "longer than the limit of %lld samples",
                (long long)pcm->most);
    if (n && !pcm->file) {
        pcm->file = fopen(pcm->path, "w+be");
        ZOE_FAIL_IF(pcm->context, !pcm->file, ZOE_DISK, "%s: cannot be written: %s", pcm->path, strerror(errno));
        if (fwrite(ZOE__PCM_MAGIC, 1, HEAD, pcm->file) != HEAD) return fault(pcm);
    }
    for (size_t at = 0; at < n; at += BLOCK) ZOE_TRY(add_block(pcm, samples + at, n - at < BLOCK ? n - at : BLOCK));
    return ZOE_OK;
}

zoe_status zoe__pcm_finish(zoe__pcm *pcm)
{
    if (!pcm->file) return ZOE_OK;
    return fflush(pcm->file) == 0 && fsync(fileno(pcm->file)) == 0 ? ZOE_OK : fault(pcm);
}

void zoe__pcm_close(zoe__pcm *pcm)
{
    if (pcm->file) fclose(pcm->file); /* zoe__pcm_finish() saw what can go wrong */
    pcm->file = NULL;
}

int64_t zoe__pcm_size(const zoe__sound *sound)
{
    return sound->samples ? HEAD + sound->samples * sound->bytes : 0;
}

static bool read_all(int fd, uint8_t *bytes, size_t size, int64_t offset)
{
    while (size) {
        const ssize_t n = pread(fd, bytes, size, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes += n;
        size -= (size_t)n;
        offset += n;
    }
    return true;
}

zoe_status zoe__pcm_read(zoe_context *context, int fd, const zoe__sound *sound, int64_t first, size_t n, void *scratch,
                         float *out, const char *name)
{
    int64_t from = first < 0 ? 0 : first, to = first + (int64_t)n;
    if (to > sound->samples) to = sound->samples;
    memset(out, 0, n * sizeof *out);
    if (from >= to) return ZOE_OK;
    const size_t count = (size_t)(to - from);
    ZOE_FAIL_IF(context, !read_all(fd, scratch, count * (size_t)sound->bytes, HEAD + from * sound->bytes), ZOE_DATA,
                "%s: its sound in the pack ends before sample %lld of %lld", name, (long long)to,
                (long long)sound->samples);
    get_samples(out + (from - first), scratch, count, sound->bytes);
    if (sound->bytes == 4) /* a damaged file must not put a NaN into a network */
        for (int64_t i = from - first; i < to - first; i++) out[i] = clamp(out[i]);
    return ZOE_OK;
}
