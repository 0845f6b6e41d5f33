/*
 * wengert.h: a computation-graph engine with reverse-mode differentiation.
 * Record a model as a graph, differentiate it to any order, compile it once into a plan, run the
 * plan as often as wanted, save all of it. Authors of ops and layers also include
 * wengert/op.h and wengert/layer.h.
 */
#ifndef WENGERT_H
#define WENGERT_H

#include "wengert/base.h"
#include "wengert/graph.h"
#include "wengert/ops.h"
#include "wengert/grad.h"
#include "wengert/params.h"
#include "wengert/plan.h"
#include "wengert/check.h"
#include "wengert/io.h"
#include "wengert/nn.h"
#include "wengert/layers.h"
#include "wengert/layers_seq.h"
#include "wengert/modules.h"
#include "wengert/models.h"
#include "wengert/fit.h"
#include "wengert/layers_more.h"
#include "wengert/optim.h"
#include "wengert/data.h"
#include "wengert/sampler.h"
#include "wengert/train.h"
#include "wengert/text.h"
#include "wengert/utils.h"
#include "wengert/nce.h"
#include "wengert/word2vec.h"

#endif
