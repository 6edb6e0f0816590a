/* SPDX-License-Identifier: Apache-2.0
 *
 * The log spectrogram on the host, by FFmpeg's av_tx: the oracle of the op, in double, because the logarithm of what is
 * almost nothing shows every rounding. */
#include <core/core.h>
#include <zoe/media.h>

#include <libavutil/mem.h>
#include <libavutil/tx.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

zoe_spectrum_options zoe_spectrum_options_default(void)
{
    return (zoe_spectrum_options){.window = 480, .hop = 240, .fft = 512, .epsilon = 1e-5, .rate = 48000};
}

zoe_status zoe_spectrum_shape(zoe_context *context, const zoe_spectrum_options *s, size_t n, int *bins, int *frames)
{
    ZOE_FAIL_IF(context, s->window < 1 || s->hop < 1 || s->fft < 2 || s->fft > 1 << 20 || s->fft & (s->fft - 1),
                ZOE_CONFIG, "spectrogram: window %d, hop %d, FFT %d: they must be positive, the last a power of two",
                s->window, s->hop, s->fft);
    ZOE_FAIL_IF(context, s->window > s->fft, ZOE_CONFIG, "spectrogram: a window of %d samples in an FFT of %d",
                s->window, s->fft);
    ZOE_FAIL_IF(context, n < (size_t)s->window || n > INT32_MAX, ZOE_CONFIG,
                "spectrogram: %zu samples, the window has %d", n, s->window);
    ZOE_FAIL_IF(context, !(s->epsilon > 0) || s->mels < 0 || s->mels > s->fft || (s->mels && s->rate < 1), ZOE_CONFIG,
                "spectrogram: epsilon %g, %d mel bands at %d Hz", s->epsilon, s->mels, s->rate);
    if (bins) *bins = s->mels ? s->mels : s->fft / 2 + 1;
    if (frames) *frames = (int)((n - (size_t)s->window) / (size_t)s->hop) + 1;
    return ZOE_OK;
}

static double mel_of(double hertz)
{
    return 2595 * log10(1 + hertz / 700);
}

static double hertz_of(double mel)
{
    return 700 * (pow(10, mel / 2595) - 1);
}

void zoe_spectrum_mel(const zoe_spectrum_options *s, float *weights)
{
    const int bins = s->fft / 2 + 1;
    const double top = mel_of(s->rate / 2.0), step = top / (s->mels + 1);
    for (int m = 0; m < s->mels; m++) {
        const double low = hertz_of(m * step), middle = hertz_of((m + 1) * step), high = hertz_of((m + 2) * step);
        for (int b = 0; b < bins; b++) {
            const double f = (double)b * s->rate / s->fft;
            const double rising = (f - low) / (middle - low), falling = (high - f) / (high - middle);
            weights[m * bins + b] = (float)fmax(0, fmin(rising, falling));
        }
    }
}

typedef struct work {
    AVTXContext *tx;
    av_tx_fn transform;
    double *window, *in;  /* [window], [fft] */
    AVComplexDouble *out; /* [fft / 2 + 1] */
    double *column;       /* [fft / 2 + 1] */
    float *mels;          /* [mels][fft / 2 + 1] */
} work;

static void clear(work *w)
{
    av_tx_uninit(&w->tx);
    av_free(w->in); /* av_tx wants aligned memory */
    av_free(w->out);
    free(w->window);
    free(w->column);
    free(w->mels);
}

static zoe_status prepare(zoe_context *context, work *w, const zoe_spectrum_options *s)
{
    const double scale = 1;
    const size_t bins = (size_t)s->fft / 2 + 1;
    ZOE_FAIL_IF(context, av_tx_init(&w->tx, &w->transform, AV_TX_DOUBLE_RDFT, 0, s->fft, &scale, 0) < 0,
                ZOE_UNSUPPORTED, "FFmpeg's transform of %d points does not start", s->fft);
    w->in = av_calloc((size_t)s->fft, sizeof *w->in);
    w->out = av_calloc(bins, sizeof *w->out);
    ZOE_FAIL_IF(context, !w->in || !w->out, ZOE_MEMORY, "out of memory: a spectrogram");
    ZOE_TRY(zoe__calloc(context, &w->window, (size_t)s->window, sizeof *w->window));
    ZOE_TRY(zoe__calloc(context, &w->column, bins, sizeof *w->column));
    ZOE_TRY(zoe__calloc(context, &w->mels, bins * (size_t)s->mels, sizeof *w->mels));
    for (int i = 0; i < s->window; i++) w->window[i] = 0.5 - 0.5 * cos(2 * PI * i / s->window);
    if (s->mels) zoe_spectrum_mel(s, w->mels);
    return ZOE_OK;
}

/* |X| or |X|^2 of one frame into w->column. */
static void transform(work *w, const zoe_spectrum_options *s, const float *pcm)
{
    for (int i = 0; i < s->window; i++) w->in[i] = (double)pcm[i] * w->window[i];
    memset(w->in + s->window, 0, (size_t)(s->fft - s->window) * sizeof *w->in);
    w->transform(w->tx, w->out, w->in, sizeof *w->in);
    for (int b = 0; b <= s->fft / 2; b++) {
        const double power = w->out[b].re * w->out[b].re + w->out[b].im * w->out[b].im;
        w->column[b] = s->power ? power : sqrt(power);
    }
}

zoe_status zoe_spectrum(zoe_context *context, const zoe_spectrum_options *s, const float *pcm, size_t n, float *out)
{
    int bins, frames;
    work w = {0};
    zoe_status status;
    ZOE_TRY(zoe_spectrum_shape(context, s, n, &bins, &frames));
    ZOE_TRY_OUT(prepare(context, &w, s));
    for (int f = 0; f < frames; f++) {
        transform(&w, s, pcm + (size_t)f * (size_t)s->hop);
        for (int b = 0; b < bins; b++) {
            double x = s->mels ? 0 : w.column[b];
            for (int i = 0; s->mels && i <= s->fft / 2; i++)
                x += (double)w.mels[b * (s->fft / 2 + 1) + i] * w.column[i];
            out[(size_t)b * (size_t)frames + (size_t)f] = (float)log(x + s->epsilon);
        }
    }
out:
    clear(&w);
    return status;
}
