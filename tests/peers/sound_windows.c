/* SPDX-License-Identifier: Apache-2.0
 *
 * Seconds of sound out of a pack, for tests/peers/sound.py: sound_windows PACK ROUNDS SEED. Reads ROUNDS random seconds
 * of every clip and prints the windows, the CPU seconds that they took, and a sum that depends on every sample. */
#include <zoe/media.h>

#include "core/philox.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static zoe_status read_windows(zoe_context *context, const char *folder, int rounds, uint64_t seed)
{
    zoe_pack *pack = NULL;
    zoe_reader *reader = NULL;
    zoe_status status = zoe_pack_open(&pack, context, folder);
    if (status == ZOE_OK) status = zoe_reader_new(&reader, context, pack);
    const size_t n = status == ZOE_OK ? (size_t)zoe_pack_sound_rate(pack) : 0;
    float *pcm = calloc(n + 1, sizeof *pcm);
    double sum = 0, start = cpu_seconds();
    int windows = 0;
    for (int round = 0; round < rounds; round++)
        for (size_t i = 0; status == ZOE_OK && pcm && i < zoe_pack_clips(pack); i++) {
            const zoe_sound *sound = &zoe_pack_clip(pack, i)->sound;
            zoe__random random;
            zoe__random_init(&random, seed, i, (uint32_t)round);
            if (sound->state != ZOE_SOUND_GOOD || sound->end - sound->start < 1) continue;
            const double at = zoe__random_between(&random, sound->start, sound->end - 1);
            status = zoe_reader_sound(reader, i, at, n, pcm);
            for (size_t k = 0; k < n; k += 480) sum += (double)pcm[k];
            windows++;
        }
    if (status == ZOE_OK) printf("%d %.6f %.9f\n", windows, cpu_seconds() - start, sum);
    free(pcm);
    zoe_reader_free(&reader);
    zoe_pack_free(&pack);
    return status;
}

int main(int argc, char **argv)
{
    zoe_context *context;
    if (argc != 4 || zoe_context_new(&context) != ZOE_OK) return 2;
    const zoe_status status =
        read_windows(context, argv[1], (int)strtol(argv[2], NULL, 10), (uint64_t)strtoull(argv[3], NULL, 10));
    if (status != ZOE_OK) fprintf(stderr, "%s\n", zoe_context_error(context));
    zoe_context_free(&context);
    return status != ZOE_OK;
}
