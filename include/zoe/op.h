/* SPDX-License-Identifier: Apache-2.0
 *
 * The ops. Letters: N images, C channels, H x W rows and columns, K filters, R x S taps, P output rows, Q output
 * columns. Each function adds a node called name to the graph and returns its output (see graph.h for mistakes).
 * Parameters are called name.weight, name.bias, name.running_mean, name.running_var: torchvision's names for a
 * torchvision network.
 *
 * Options come from zoe_X_options_default(); the comment beside each field gives unit and default. */
#ifndef ZOE_OP_H
#define ZOE_OP_H

#include <stdbool.h>

#include <zoe/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a parameter starts. fan_in = C/groups*R*S, fan_out = K/groups*R*S. */
typedef enum zoe_init_kind {
    ZOE_INIT_CONSTANT,       /* value */
    ZOE_INIT_GAUSSIAN,       /* N(0, value^2) */
    ZOE_INIT_HE_NORMAL,      /* N(0, 2 / fan_in) */
    ZOE_INIT_HE_FAN_OUT,     /* N(0, 2 / fan_out), as torchvision's ResNets */
    ZOE_INIT_XAVIER_UNIFORM, /* U(-a, a), a = sqrt(6 / (fan_in + fan_out)) */
    ZOE_INIT_ALTERNATING     /* value, -value, value, .. */
} zoe_init_kind;

typedef struct zoe_param_options {
    zoe_init_kind init;
    float value;
    float lr_mult;    /* factor of the learning rate; 1 */
    float decay_mult; /* factor of the weight decay; 1 */
} zoe_param_options;

/* A tensor given from outside by zoe_plan_write(). */
zoe_value zoe_input(zoe_graph *graph, const char *name, zoe_dtype dtype, zoe_shape shape);

/* Pictures from bytes: crop, flip, order and normalisation.
 *   y[n,c,p,q] = (bytes[n, top+p, left+q', c'] / 255 - mean[c]) / std[c],  q' = flip ? Q-1-q : q
 * bytes: U8 [N][H][W][3]; table: I32 {N,4,1,1}: top, left, flip (0 or 1), colours: the order in which the picture's
 * channels are taken, 0 RGB, 1 RBG, 2 GRB, 3 GBR, 4 BRG, 5 BGR (others count as 0); bgr turns that order round. A table
 * {N,6,1,1} also has saturation s and brightness b in units of 1/65536: bytes v become grey + s (v - grey) + 255 b, cut
 * to 0..255, with grey = 0.299 R + 0.587 G + 0.114 B. Output {N, 3, height, width}. No gradient. */
typedef struct zoe_picture_options {
    int height, width;     /* of the crop */
    float mean[3], std[3]; /* on the scale 0..1, in the order of the output's channels; 0, 1 */
    bool bgr;              /* output channels are blue, green, red; false */
} zoe_picture_options;
zoe_picture_options zoe_picture_options_default(void);
zoe_value zoe_picture(zoe_graph *graph, const char *name, zoe_value bytes, zoe_value table,
                      const zoe_picture_options *options);

/* Spectrograms of sound, on the device.
 *   X[j,k] = sum over i < window of gain * pcm[n, j*hop + i] * hann(i) * exp(-2 pi I i k / fft),  k = 0 .. fft/2,
 *   hann(i) = (1 - cos(2 pi i / window)) / 2;  |X| or, with power, |X|^2;  sums with mel weights;  log(. + eps);
 *   mean over pool_bins x pool_frames;  (. - mean) / std.
 * pcm: F32 {N,1,1,L}, the scale is the caller's (-1..1); gains: I32 {N,1,1,1} in units of 1/65536, or ZOE_NO_VALUE: 1.
 * Output {N, 1, rows, columns}, the lowest frequency in row 0: rows = (mels, or bins, or fft/2 + 1) / pool_bins,
 * columns = ((L - window) / hop + 1) / pool_frames, both rounded down. L = 48 000 gives 257 x 199 by default. No
 * gradient. */
typedef struct zoe_spectrogram_options {
    int window, hop, fft; /* samples; 480, 240, 512. fft: a power of 2, 16..4096, at least window */
    bool power;           /* false */
    bool log;             /* natural logarithm; true */
    float eps;            /* 1e-5 */
    int bins;             /* only so many of the lowest, without mels; 0: all */
    int mels;             /* bands of HTK's mel scale, triangles of height 1; 0: none */
    float rate, low,
        high; /* with mels: samples a second, edges of the lowest and highest band in Hz; 48000, 0, 24000 */
    int pool_bins, pool_frames; /* 1, 1. pool_frames: 1, 2, 4 or 8 */
    float mean, std;            /* 0, 1 */
} zoe_spectrogram_options;
zoe_spectrogram_options zoe_spectrogram_options_default(void);
zoe_value zoe_spectrogram(zoe_graph *graph, const char *name, zoe_value pcm, zoe_value gains,
                          const zoe_spectrogram_options *options);
/* What comes out of n sounds of so many samples; a size is 0 when they are too short. */
zoe_shape zoe_spectrogram_shape(const zoe_spectrogram_options *options, int n, int samples);

/* Cross-correlation, the "convolution" of the field.
 *   y[n,k,p,q] = bias[k] + sum over c,r,s of x[n, g*C/groups + c, p*stride - pad + r, q*stride - pad + s] * w[k,c,r,s],
 * g = k / (K/groups); then max(0, .) with relu. w {K, C/groups, R, S}, bias {K}. Output P = (H + 2 pad - R) / stride +
 * 1, rounded down. */
typedef struct zoe_conv2d_options {
    int filters;                                    /* K */
    int kernel_h, kernel_w;                         /* R, S; 3, 3 */
    int stride_h, stride_w;                         /* 1, 1 */
    int pad_h, pad_w;                               /* zeros on each side; 0, 0 */
    int groups;                                     /* 1 */
    bool bias;                                      /* true */
    bool relu;                                      /* fused max(0, .); false */
    zoe_param_options weight_options, bias_options; /* He normal; constant 0 */
} zoe_conv2d_options;
zoe_conv2d_options zoe_conv2d_options_default(void);
zoe_value zoe_conv2d(zoe_graph *graph, const char *name, zoe_value x, const zoe_conv2d_options *options);

/* y[n,k] = bias[k] + sum over the flattened (c,h,w) of x[n,c,h,w] * w[k, (c*H + h)*W + w]; then max(0, .) with relu.
 * w {K, C*H*W, 1, 1}, bias {K}. Output {N, K, 1, 1}. */
typedef struct zoe_linear_options {
    int outputs;
    bool bias;                                      /* true */
    bool relu;                                      /* false */
    zoe_param_options weight_options, bias_options; /* He normal; constant 0 */
} zoe_linear_options;
zoe_linear_options zoe_linear_options_default(void);
zoe_value zoe_linear(zoe_graph *graph, const char *name, zoe_value x, const zoe_linear_options *options);

/* Batch normalisation over (N, H, W) for each channel.
 *   training:  y = (x - mean) / sqrt(var + eps) * weight + bias with the batch's mean and biased variance;
 *              running = (1 - momentum) * running + momentum * batch (the running variance is the unbiased one)
 *   inference: the running figures take the batch's place.
 * weight, bias, running_mean, running_var {C}; weight 1, bias 0, running mean 0, variance 1 at the start. */
typedef struct zoe_batch_norm_options {
    float eps;                                      /* 1e-5 */
    float momentum;                                 /* share of the new batch; 0.1 */
    bool affine;                                    /* learned weight and bias; true */
    zoe_param_options weight_options, bias_options; /* constant 1; constant 0 */
} zoe_batch_norm_options;
zoe_batch_norm_options zoe_batch_norm_options_default(void);
zoe_value zoe_batch_norm(zoe_graph *graph, const char *name, zoe_value x, const zoe_batch_norm_options *options);

/* y = max(0, x); the gradient at 0 is 0. A NaN stays a NaN. */
zoe_value zoe_relu(zoe_graph *graph, const char *name, zoe_value x);

/* Pooling over kernel x kernel windows. Padding never takes part in a maximum; in a mean it counts as zeros when
 * count_include_pad. ceil: Caffe's rounding, P = ceil((H + 2 pad - kernel) / stride) + 1, less one if the last window
 * would start in the padding; else rounded down. The first maximum in row order gets the gradient. */
typedef struct zoe_pool_options {
    int kernel, stride, pad; /* 2, 2, 0 */
    bool ceil;               /* false */
    bool count_include_pad;  /* average only; true */
} zoe_pool_options;
zoe_pool_options zoe_pool_options_default(void);
zoe_value zoe_max_pool(zoe_graph *graph, const char *name, zoe_value x, const zoe_pool_options *options);
zoe_value zoe_average_pool(zoe_graph *graph, const char *name, zoe_value x, const zoe_pool_options *options);

/* Mean over all H x W: {N, C, 1, 1}. */
zoe_value zoe_global_average_pool(zoe_graph *graph, const char *name, zoe_value x);

/* Maximum over all H x W: {N, C, 1, 1}. The first one in row order gets the gradient; a NaN counts as larger than all.
 */
zoe_value zoe_global_max_pool(zoe_graph *graph, const char *name, zoe_value x);

/* Local response normalisation across channels (AlexNet):
 *   y[c] = x[c] / (k + alpha / size * sum over c' in c-size/2 .. c+size/2 of x[c']^2) ^ beta */
typedef struct zoe_lrn_options {
    int size;    /* odd; 5 */
    float alpha; /* 1e-4 */
    float beta;  /* 0.75 */
    float k;     /* 1 */
} zoe_lrn_options;
zoe_lrn_options zoe_lrn_options_default(void);
zoe_value zoe_lrn(zoe_graph *graph, const char *name, zoe_value x, const zoe_lrn_options *options);

/* Training: y = x / (1 - ratio) where a counter-based draw of (seed, step, node, element) keeps it, else 0. Inference:
 * y = x. */
zoe_value zoe_dropout(zoe_graph *graph, const char *name, zoe_value x, float ratio);

zoe_value zoe_add(zoe_graph *graph, const char *name, zoe_value a, zoe_value b); /* same shapes */

/* Joins 1 to 8 values along C (same N, H, W) or N (same C, H, W); a slice takes images first .. first+count-1. */
zoe_value zoe_concat_channels(zoe_graph *graph, const char *name, const zoe_value *values, int count);
zoe_value zoe_concat_batch(zoe_graph *graph, const char *name, const zoe_value *values, int count);
zoe_value zoe_slice_batch(zoe_graph *graph, const char *name, zoe_value x, int first, int count);

/* Mean over N of -log softmax(logits[n])[label[n]]. logits {N, K, 1, 1}, labels I32 {N,1,1,1} in 0..K-1 (a label
 * outside takes no part in the sum; the mean is still over N). Output {1,1,1,1}; a training plan starts its backward
 * pass here. */
zoe_value zoe_softmax_cross_entropy(zoe_graph *graph, const char *name, zoe_value logits, zoe_value labels);

/* y[n] = x[n] / max(|x[n]|, eps), the Euclidean norm over all of (C, H, W) of an image. eps 1e-12. */
zoe_value zoe_l2_normalise(zoe_graph *graph, const char *name, zoe_value x, float eps);

/* Euclidean distance of the rows of two tensors of the same shape: y[n] = sqrt(|a[n] - b[n]|^2 + eps), over all of
 * (C, H, W). eps > 0 keeps the gradient finite where they are equal. Output {N,1,1,1}. */
zoe_value zoe_distance(zoe_graph *graph, const char *name, zoe_value a, zoe_value b, float eps);

/* Each cell of a map against a vector: y[n,0,h,w] = sum over c of map[n,c,h,w] * vector[n,c]. map {N,C,H,W}, vector
 * {N,C,1,1}, output {N,1,H,W}. */
zoe_value zoe_cell_dot(zoe_graph *graph, const char *name, zoe_value map, zoe_value vector);

/* `before` channels of zeros in front of those of x and `after` behind them. With one logit behind one zero, a softmax
 * is the logistic function. */
zoe_value zoe_pad_channels(zoe_graph *graph, const char *name, zoe_value x, int before, int after);

#ifdef __cplusplus
}
#endif
#endif
