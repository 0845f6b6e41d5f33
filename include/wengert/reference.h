/*
 * reference.h: the explicit backward methods of numpy-ml's neural_nets, in plain C and double.
 * They are what the gradients of the engine are held against, and can be called by anyone; they
 * know nothing of graphs, and their library (wengert_reference) nothing of the engine's.
 *
 * Arrays are row-major, their extents given by capitals or named as in numpy-ml. Memory is the
 * caller's: no function keeps a pointer, and none changes what it takes as const. Gradients of
 * inputs are written; gradients of parameters are ADDED to the caller's arrays, as numpy-ml's
 * accumulate over calls until flushed; a NULL gradient is not wanted. Functions that return bool
 * need scratch memory and return false when there is none, with nothing added; a whole sequence, a
 * module or a model may then have added some of its gradients.
 */
#ifndef WENGERT_REFERENCE_H
#define WENGERT_REFERENCE_H

#include "wengert/reference_base.h"
#include "wengert/reference_act.h"
#include "wengert/reference_conv.h"
#include "wengert/reference_seq.h"
#include "wengert/reference_loss.h"
#include "wengert/reference_dense.h"
#include "wengert/reference_norm.h"
#include "wengert/reference_optim.h"
#include "wengert/reference_model.h"

#endif
