/* progress.h: how far a training run has come, on one line that redraws itself. */
#ifndef EXAMPLES_PROGRESS_H
#define EXAMPLES_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct {
    FILE *to;
    char label[32];   /* "epoch 2/5" */
    const char *unit; /* what is counted; "images" unless set after the start */
    int64_t total, done;
    double loss, accuracy; /* means of late, accuracy in 0..1; NaN before the first step */
    double started, drawn; /* seconds */
    int64_t next_line;     /* where the next plain line is due */
    bool terminal, ended;
} progress;

/** Begins a run over `total` images, or units. `to` NULL: stderr when that is a terminal, else
 * stdout, so that results may be piped on while the line shows. On a terminal the line redraws in
 * place, ten times a second at most; elsewhere a plain line is written at each tenth of the way. */
void progress_start(progress *p, FILE *to, const char *label, int64_t total);

/** A step over so many units is done, with its mean loss and its share of right answers (NaN:
 * none to be told). */
void progress_step(progress *p, int64_t units, double loss, double accuracy);

/** Draws the last state, with the time the run took, and ends the line. */
void progress_end(progress *p);

/** Units a second since the start. */
double progress_rate(const progress *p);

#endif
