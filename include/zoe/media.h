/* SPDX-License-Identifier: Apache-2.0
 *
 * Media: files in, frames and sound out. A file is read once into a *pack*: its compressed packets, key-frame index,
 * exact display order, per-frame motion and hash, and its sound, decoded and mixed to one channel. Frames are then read
 * by display rank: rank 0 is the first frame that a player shows. Sound is read by time on the same clock.
 *
 * A pack is a folder: index.sqlite beside its data. It can be added to and read by many threads (one zoe_reader each).
 */
#ifndef ZOE_MEDIA_H
#define ZOE_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zoe/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct zoe_pack zoe_pack;
typedef struct zoe_reader zoe_reader;

/* Limits on untrusted input; zoe_media_limits_default() fills them. */
typedef struct zoe_media_limits {
    int64_t max_file_bytes;  /* 8 GiB */
    int64_t max_pixels;      /* of one frame; 4096 x 4096 */
    int max_streams;         /* 64 */
    int max_frames;          /* of one clip; 1 << 20 */
    double seconds_per_clip; /* deadline for reading one file, and as much again for each 1000 frames of it; 60 s */
    double min_clean;        /* share of frames, or packets of sound, that must decode without a fault; 0.5 */
    double max_sound;        /* s; longer sound is not read; 21600 */
} zoe_media_limits;

zoe_media_limits zoe_media_limits_default(void);

/* One skipped or read file, as told to the progress function. */
typedef struct zoe_index_event {
    const char *file;   /* path */
    const char *reason; /* NULL: the file was read; else one line why not */
    size_t done, total; /* files so far, files in all */
    size_t skipped;     /* of done */
} zoe_index_event;

typedef struct zoe_index_options {
    int workers; /* threads; 0 = number of processors */
    zoe_media_limits limits;
    const char *labels_csv;   /* table with a column `file`; NULL: label = name of the file's folder */
    const char *label_column; /* column of labels_csv that gives the label; "label" */
    const char *group_column; /* column that gives the group (a subject); NULL: every clip is its own group */
    int sound_rate; /* of the sound in the pack, Hz, 1000 to 192000; 0 = the pack's own, 48000 for a new pack */
    double max_bad; /* share of bad files past which the call fails with ZOE_BAD_FILES; 0.05 */
    /* Called from one thread at a time; return false to stop (ZOE_STOPPED; what was read stays). May be NULL. */
    bool (*progress)(const zoe_index_event *event, void *user);
    void *user;
} zoe_index_options;

zoe_index_options zoe_index_options_default(void);

/* Reads files, folders (recursively), lists (*.txt, one path a line), tables of pairs (*.csv with the head
 * picture,sound,label: a clip of each line, from a picture and the sound of another file) and packs into the pack at
 * folder `out`, made when absent, resumed or added to when present: a file that is there unchanged (path, size, mtime)
 * is not read again, one of the same content (SHA-256) is stored once. A clip may have pictures, sound, or both.
 * ZOE_DATA: no usable clip at all; ZOE_BAD_FILES: over max_bad (the pack is complete nevertheless); ZOE_CONFIG: the
 * pack has its sound at another rate; ZOE_DISK. */
zoe_status zoe_pack_index(zoe_context *context, const char *const *paths, size_t count, const char *out,
                          const zoe_index_options *options);

/* True when path is a folder that holds a pack. */
bool zoe_pack_is(const char *path);

zoe_status zoe_pack_open(zoe_pack **out, zoe_context *context, const char *folder);
void zoe_pack_free(zoe_pack **pack);

typedef enum zoe_sound_state {
    ZOE_SOUND_NONE, /* no sound in the file */
    ZOE_SOUND_GOOD,
    ZOE_SOUND_SILENT,  /* no sample past 2^-14 of full scale */
    ZOE_SOUND_BROKEN,  /* there is a stream, but it cannot be used: reason */
    ZOE_SOUND_UNKNOWN, /* indexed by a version that read no sound */
} zoe_sound_state;

/* The sound of a clip: stored sample i is heard at (first + i) / zoe_pack_sound_rate() s on the clip's clock, where 0
 * is the first displayed frame, or the start of a file without pictures. */
typedef struct zoe_sound {
    zoe_sound_state state;
    const char *path;       /* of its file: the clip's own, or the second one of a pair */
    const char *reason;     /* why it is broken; else "" */
    const char *codec;      /* "aac", "flac", ... */
    int rate, channels;     /* of the source */
    int64_t first, samples; /* in the pack; 0 samples unless GOOD or SILENT */
    double start, end;      /* s: of the first sample, and past the last one */
    double peak;            /* greatest |sample|, 0..1 */
    int64_t nans;           /* source samples that were no number; they became 0 */
    int64_t clipped;        /* source samples at full scale or past it */
    int64_t faults;         /* packets that the decoder complained of */
} zoe_sound;

typedef struct zoe_clip {
    const char *path;    /* as given when it was indexed; of a pair, the picture's */
    bool pair;           /* a row of a table of pairs: a picture, and a sound that belongs to it at any time */
    const char *label;   /* folder name or the table's; "" when unknown */
    const char *group;   /* "" = its own */
    const char *sha256;  /* of the file's bytes, 64 hex digits; of a pair, made from those of both files */
    int frames;          /* display frames; 0 for a file of sound alone */
    int clean;           /* of these, decoded without a fault */
    int width, height;   /* as shown: after rotation, before sample aspect ratio */
    double fps;          /* mean, frames a second */
    double seconds;      /* from the first frame's time to the last one's end; without frames, of the sound */
    const float *motion; /* [frames]: mean motion between frame i-1 and i, codec vectors where there are any (pixels),
                            else mean absolute difference of grey levels scaled to 0..255; motion[0] = 0 */
    const float *difference; /* [frames]: mean |I(i) - I(i-1)| of grey levels 0..255; difference[0] = 0 */
    const double *times;     /* [frames]: s, on the file's clock from the first shown frame */
    const uint8_t *tainted;  /* [frames]: 1 where the decoder complained */
    zoe_sound sound;
} zoe_clip;

size_t zoe_pack_clips(const zoe_pack *pack);
/* Borrowed until the pack is freed; NULL past the end. Clips are ordered by path, bytewise: the order of indexing and
 * the number of workers do not matter. */
const zoe_clip *zoe_pack_clip(const zoe_pack *pack, size_t clip);

/* Rank of the frame that a player shows `seconds` after the clip's start; the first or last one outside. */
int zoe_clip_rank_at(const zoe_clip *clip, double seconds);

typedef struct zoe_skipped {
    const char *file, *reason;
} zoe_skipped;
size_t zoe_pack_skipped(const zoe_pack *pack, const zoe_skipped **out);

/* How many clips' pictures so far came out differently than when they were indexed: by another FFmpeg, or because the
 * pack is damaged. *first (may be NULL) is the path of the first one. */
size_t zoe_pack_foreign(const zoe_pack *pack, const char **first);

/* Keep up to `bytes` of decoded frames in memory, shared by all readers; whole clips are kept at one size each.
 * Default 0. Call before readers work. */
void zoe_pack_set_cache(zoe_pack *pack, size_t bytes);

/* A reader decodes; one for each thread. Errors go to its context. The pack must outlive it. */
zoe_status zoe_reader_new(zoe_reader **out, zoe_context *context, zoe_pack *pack);
void zoe_reader_free(zoe_reader **reader);

/* Writes n frames, RGB bytes [n][height][width][3], the whole frame scaled to width x height by area (0 x 0: as shown,
 * unscaled). Ranks in any order, repeats allowed. Rotation applied, sample aspect ratio ignored, colours as tagged
 * (BT.601 limited range when untagged). ZOE_DATA: a rank outside 0..frames-1 or a frame that does not decode (the
 * message names file, rank and number of frames). */
zoe_status zoe_reader_frames(zoe_reader *reader, size_t clip, const int *ranks, size_t n, int width, int height,
                             uint8_t *rgb);

/* Samples a second of the sound that readers give; 0: the pack has no sound. */
int zoe_pack_sound_rate(const zoe_pack *pack);

/* Writes the window of n samples that starts at `seconds` on the clip's clock, at zoe_pack_sound_rate(): one channel,
 * values in [-1, 1), zeros outside the stream. pcm[j] is the stored sample llround(seconds * rate) + j - first: the
 * same time gives the same samples, whatever was read before. Works for every clip; without usable sound all is zero.
 * ZOE_DATA: no such clip, the pack's file of it is damaged. */
zoe_status zoe_reader_sound(zoe_reader *reader, size_t clip, double seconds, size_t n, float *pcm);

/* Log spectrogram of n samples: out[b * frames + f] = log(|X| + epsilon), X = the FFT of `fft` points of the samples
 * f * hop ... + window, weighted by the periodic Hann window; bins = fft / 2 + 1, frames = (n - window) / hop + 1. The
 * plain host version: defines what devices compute. */
typedef struct zoe_spectrum_options {
    int window, hop, fft; /* samples; 480, 240, 512. fft: a power of two, at least window */
    bool power;           /* |X|^2 instead of |X|; false */
    double epsilon;       /* 1e-5 */
    int mels;             /* > 0: sums over this many triangles on the mel scale (HTK) before the logarithm; 0 */
    int rate;             /* Hz, for mels; 48000 */
} zoe_spectrum_options;
zoe_spectrum_options zoe_spectrum_options_default(void);
/* ZOE_CONFIG: fft is no power of two, less than window, or n < window. Either out may be NULL. */
zoe_status zoe_spectrum_shape(zoe_context *context, const zoe_spectrum_options *s, size_t n, int *bins, int *frames);
/* weights [mels][fft / 2 + 1] of the triangles: band m rises from mel m to m + 1 and falls to m + 2 of mels + 1 equal
 * steps between 0 Hz and rate / 2, with 1 at its top. */
void zoe_spectrum_mel(const zoe_spectrum_options *s, float *weights);
zoe_status zoe_spectrum(zoe_context *context, const zoe_spectrum_options *s, const float *pcm, size_t n, float *out);

/* Synthetic worlds: a pure function of (seed, index). */
typedef struct zoe_synth_options {
    const char *world; /* "motion"; "sounding" */
    int clips;         /* number of clips; 240 */
    uint64_t seed;     /* 1 */
    int workers;       /* threads; 0 = number of processors */
    bool pairs;        /* of sounding: two things, of which one sounds; false */
} zoe_synth_options;
zoe_synth_options zoe_synth_options_default(void);

/* Writes out/KIND/NNNNN.mp4 or, with sound, .mkv (libx264 where FFmpeg has it, else MPEG-4; FLAC), and NNNNN.json:
 * motion {kind, fps, joints}, sounding {fps, things: [{kind, sounding, boxes: [[x0, y0, x1, y1] of each frame]}]}.
 * ZOE_CONFIG: an unknown world, or one without pairs; ZOE_DISK. Files already there are replaced. */
zoe_status zoe_synth(zoe_context *context, const char *out, const zoe_synth_options *options);

#ifdef __cplusplus
}
#endif
#endif
