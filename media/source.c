/* SPDX-License-Identifier: Apache-2.0
 *
 * FFmpeg gets an AVIOContext over our descriptor instead of a name, so names like "http://..." or "concat:..." are only
 * names, and a demuxer that asks for a second file is refused. */
#include "media/source.h"

#include <libavcodec/avcodec.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>
#include <libavutil/sha.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Containers that hold video or sound in one file. No playlists (hls, concat, dash), no image sequences, no devices. */
static const char FORMATS[] =
    "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,mpegts,mpeg,mpegvideo,h264,hevc,m4v,mjpeg,mjpeg_2000,"
    "flv,live_flv,asf,asf_o,ogg,gif,yuv4mpegpipe,ivf,obu,nut,mxf,dv,rm,vc1,vc1test,h263,h261,nsv,gxf,"
    "swf,wtv,cavsvideo,dirac,"
    "wav,w64,aiff,au,caf,flac,mp3,aac,ac3,eac3,dts,amr,ape,mpc,mpc8,tta,wv,tak,voc,shn,oma,dsf,iff,qcp,"
    "spdif,truehd,mlp,loas,sox,ircam,nistsphere,pvf,rso,avr,3dostr,svx";

/* Single pictures, where one is named as such. */
static const char STILL_FORMATS[] = "png_pipe,jpeg_pipe,bmp_pipe,webp_pipe,tiff_pipe,gif_pipe,gif,pgm_pipe,ppm_pipe,"
                                    "pbm_pipe,pgmyuv_pipe,pam_pipe,qoi_pipe,sgi_pipe,sunrast_pipe,j2k_pipe,jpegls_pipe,"
                                    "psd_pipe,dpx_pipe,exr_pipe,pcx_pipe,xbm_pipe,xpm_pipe,jpegxl_pipe,mjpeg";

enum { IO_BYTES = 64 << 10, DIGEST_BYTES = 256 << 10 };

static void swallow(void *object, int level, const char *format, va_list args)
{
    (void)object, (void)level, (void)format, (void)args;
}

static void silence(void)
{
    av_log_set_callback(swallow);
}

void zoe__media_quiet(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, silence);
}

static const char *kind_of(mode_t mode)
{
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISFIFO(mode)) return "a FIFO";
    if (S_ISSOCK(mode)) return "a socket";
    if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
    return "no regular file";
}

zoe_status zoe__source_open(zoe_context *context, zoe__source *source, const char *path, const zoe_media_limits *limits)
{
    zoe__media_quiet();
    *source = (zoe__source){.path = path,
                            .fd = -1,
                            .stream = -1,
                            .sound_stream = -1,
                            .deadline = zoe__seconds() + limits->seconds_per_clip};
    struct stat info; /* before open(): opening a device or a FIFO may have effects */
    ZOE_FAIL_IF(context, stat(path, &info) < 0, ZOE_DATA, "%s: %s", path, strerror(errno));
    ZOE_FAIL_IF(context, !S_ISREG(info.st_mode), ZOE_DATA, "%s: not a regular file but %s", path,
                kind_of(info.st_mode));
    source->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ZOE_FAIL_IF(context, source->fd < 0 || fstat(source->fd, &info) < 0, ZOE_DATA, "%s: %s", path, strerror(errno));
    ZOE_FAIL_IF(context, !S_ISREG(info.st_mode), ZOE_DATA, "%s: not a regular file but %s", path,
                kind_of(info.st_mode));
    source->size = info.st_size;
    source->mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    ZOE_FAIL_IF(context, info.st_size == 0, ZOE_DATA, "%s: the file is empty (0 bytes)", path);
    ZOE_FAIL_IF(context, info.st_size > limits->max_file_bytes, ZOE_DATA, "%s: %lld bytes, the limit is %lld", path,
                (long long)info.st_size, (long long)limits->max_file_bytes);
    return ZOE_OK;
}

zoe_status zoe__source_check_time(zoe_context *context, const zoe__source *source, const zoe_media_limits *limits)
{
    ZOE_FAIL_IF(context, zoe__seconds() > source->deadline, ZOE_TIME, "%s: reading took longer than the limit of %g s",
                source->path, limits->seconds_per_clip);
    return ZOE_OK;
}

zoe_status zoe__source_digest(zoe_context *context, zoe__source *source)
{
    zoe_status status = ZOE_OK;
    struct AVSHA *sha = av_sha_alloc();
    uint8_t *buffer = malloc(DIGEST_BYTES), digest[32];
    ZOE_FAIL_IF_OUT(context, !sha || !buffer || av_sha_init(sha, 256) < 0, ZOE_MEMORY, "out of memory: SHA-256");
    for (off_t at = 0; at < source->size;) {
        const ssize_t n = pread(source->fd, buffer, DIGEST_BYTES, at);
        if (n < 0 && errno == EINTR) continue;
        ZOE_FAIL_IF_OUT(context, n <= 0, ZOE_DATA, "%s: cannot be read: %s", source->path,
                        n < 0 ? strerror(errno) : "it became shorter");
        av_sha_update(sha, buffer, (size_t)n);
        at += n;
    }
    av_sha_final(sha, digest);
    for (int i = 0; i < 32; i++) zoe__format(source->sha256 + 2 * i, 3, "%02x", digest[i]);
out:
    av_free(sha);
    free(buffer);
    return status;
}

static int read_bytes(void *opaque, uint8_t *buffer, int size)
{
    zoe__source *source = opaque;
    if (zoe__seconds() > source->deadline) return AVERROR_EXIT;
    for (;;) {
        const ssize_t n = read(source->fd, buffer, (size_t)size);
        if (n > 0) return (int)n;
        if (n == 0) return AVERROR_EOF;
        if (errno != EINTR) return AVERROR(errno);
    }
}

static int64_t seek_bytes(void *opaque, int64_t offset, int whence)
{
    zoe__source *source = opaque;
    if (whence == AVSEEK_SIZE) return source->size;
    const off_t at = lseek(source->fd, offset, whence & ~AVSEEK_FORCE);
    return at < 0 ? AVERROR(errno) : at;
}

static int past_deadline(void *opaque)
{
    const zoe__source *source = opaque;
    return zoe__seconds() > source->deadline;
}

static int refuse_open(AVFormatContext *format, AVIOContext **io, const char *url, int flags, AVDictionary **options)
{
    (void)format, (void)io, (void)url, (void)flags, (void)options;
    return AVERROR(EPERM);
}

static zoe_status open_container(zoe_context *context, zoe__source *source, const zoe_media_limits *limits)
{
    uint8_t *buffer = av_malloc(IO_BYTES);
    source->io = buffer ? avio_alloc_context(buffer, IO_BYTES, 0, source, read_bytes, NULL, seek_bytes) : NULL;
    if (!source->io) av_free(buffer);
    source->format = avformat_alloc_context();
    ZOE_FAIL_IF(context, !source->io || !source->format, ZOE_MEMORY, "out of memory: a container");
    ZOE_FAIL_IF(context, lseek(source->fd, 0, SEEK_SET) < 0, ZOE_DATA, "%s: %s", source->path, strerror(errno));
    source->format->pb = source->io;
    source->format->interrupt_callback = (AVIOInterruptCB){past_deadline, source};
    source->format->io_open = refuse_open;
    source->format->max_streams = limits->max_streams;
    AVDictionary *options = NULL;
    av_dict_set(&options, "format_whitelist", source->still ? STILL_FORMATS : FORMATS, 0);
    av_dict_set(&options, "protocol_whitelist", "file", 0);
    /* By its name a picture would be taken for the first one of a sequence of files. Frees format when it fails. */
    const int error = avformat_open_input(&source->format, source->still ? "" : source->path, NULL, &options);
    av_dict_free(&options);
    ZOE_TRY(zoe__source_check_time(context, source, limits));
    ZOE_FAIL_IF(context, error == AVERROR(ENOMEM), ZOE_DATA, "%s: opening it needs too much memory", source->path);
    ZOE_FAIL_IF(context, error == AVERROR_EOF, ZOE_DATA, "%s: the file ends in its header", source->path);
    ZOE_FAIL_IF(context, error < 0, ZOE_DATA, "%s: not a %s", source->path,
                source->still ? "picture that can be read" : "video file that can be read, nor a sound file");
    return ZOE_OK;
}

/* find_stream_info decodes a little: the limits must hold there already. */
static zoe_status probe_streams(zoe_context *context, zoe__source *source, const zoe_media_limits *limits)
{
    const unsigned n = source->format->nb_streams;
    AVDictionary **options;
    ZOE_TRY(zoe__calloc(context, &options, n, sizeof(void *)));
    for (unsigned i = 0; i < n; i++) {
        av_dict_set_int(&options[i], "max_pixels", limits->max_pixels, 0);
        av_dict_set(&options[i], "threads", "1", 0);
    }
    const int error = avformat_find_stream_info(source->format, n ? options : NULL);
    for (unsigned i = 0; i < n; i++) av_dict_free(&options[i]);
    free(options);
    ZOE_TRY(zoe__source_check_time(context, source, limits));
    ZOE_FAIL_IF(context, error < 0, ZOE_DATA, "%s: no stream can be found: %s", source->path, av_err2str(error));
    return ZOE_OK;
}

/* By the header before a decoder sees the stream, and again by what the decoder found. */
static zoe_status check_pixels(zoe_context *context, const zoe__source *source, const zoe_media_limits *limits)
{
    for (unsigned i = 0; i < source->format->nb_streams; i++) {
        const AVStream *stream = source->format->streams[i];
        const AVCodecParameters *par = stream->codecpar;
        const int64_t pixels = (int64_t)par->width * par->height;
        if (par->codec_type != AVMEDIA_TYPE_VIDEO || stream->disposition & AV_DISPOSITION_ATTACHED_PIC) continue;
        ZOE_FAIL_IF(context, pixels > limits->max_pixels, ZOE_DATA, "%s: %d x %d = %lld pixels, the limit is %lld",
                    source->path, par->width, par->height, (long long)pixels, (long long)limits->max_pixels);
    }
    return ZOE_OK;
}

/* The ffmpeg program's choice: a stream with packets, then the default one, then the one with most pixels or channels.
 */
static int choose_stream(const AVFormatContext *format, enum AVMediaType type)
{
    int best = -1;
    int64_t best_score = 0;
    for (unsigned i = 0; i < format->nb_streams; i++) {
        const AVStream *stream = format->streams[i];
        const AVCodecParameters *par = stream->codecpar;
        if (par->codec_type != type) continue;
        if (stream->disposition & AV_DISPOSITION_ATTACHED_PIC) continue;
        const int64_t size =
            type == AVMEDIA_TYPE_VIDEO ? (int64_t)par->width * par->height : par->ch_layout.nb_channels;
        const int64_t score = 1 + size + 100000000 * !!(stream->event_flags & AVSTREAM_EVENT_FLAG_NEW_PACKETS) +
                              5000000 * !!(stream->disposition & AV_DISPOSITION_DEFAULT);
        if (score > best_score) best = (int)i, best_score = score;
    }
    return best;
}

zoe_status zoe__source_demux(zoe_context *context, zoe__source *source, const zoe_media_limits *limits)
{
    source->deadline =
        zoe__seconds() + limits->seconds_per_clip; /* from here on: the digest of a large file takes time */
    ZOE_TRY(open_container(context, source, limits));
    ZOE_TRY(check_pixels(context, source, limits));
    ZOE_TRY(probe_streams(context, source, limits));
    ZOE_TRY(check_pixels(context, source, limits));
    AVFormatContext *format = source->format;
    ZOE_FAIL_IF(context, format->nb_streams > (unsigned)limits->max_streams, ZOE_DATA,
                "%s: %u streams, the limit is %d", source->path, format->nb_streams, limits->max_streams);
    source->stream = choose_stream(format, AVMEDIA_TYPE_VIDEO);
    source->sound_stream = choose_stream(format, AVMEDIA_TYPE_AUDIO);
    ZOE_FAIL_IF(context, source->stream < 0 && source->sound_stream < 0, ZOE_DATA, "%s: no stream of pictures or sound",
                source->path);
    for (unsigned i = 0; i < format->nb_streams; i++)
        if ((int)i != source->stream && (int)i != source->sound_stream) format->streams[i]->discard = AVDISCARD_ALL;
    if (source->stream < 0) return ZOE_OK;
    const AVCodecParameters *par = format->streams[source->stream]->codecpar;
    ZOE_FAIL_IF(context, !avcodec_find_decoder(par->codec_id), ZOE_DATA, "%s: no decoder for codec %s", source->path,
                avcodec_get_name(par->codec_id));
    return ZOE_OK;
}

void zoe__source_close(zoe__source *source)
{
    avformat_close_input(&source->format);
    if (source->io) {
        av_freep(&source->io->buffer);
        avio_context_free(&source->io);
    }
    if (source->fd >= 0) close(source->fd);
    source->fd = -1;
}
