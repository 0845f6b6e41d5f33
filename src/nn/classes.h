/* classes.h: the records of all layer classes: wg_class_NAME. */
#ifndef WG_NN_CLASSES_H
#define WG_NN_CLASSES_H

#include "wengert/layer.h"
#include "wengert/layers_more.h"

#define CLASS(name) extern const wg_layer_class wg_class_##name;
#include "classes.def"
#undef CLASS

#endif
