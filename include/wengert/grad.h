/*
 * grad.h: differentiation. A gradient is an ordinary tensor, recorded by the gradient rules of the
 * entries it passes: name it, save it, differentiate it again.
 */
#ifndef WENGERT_GRAD_H
#define WENGERT_GRAD_H

#include "graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Gradient of `loss` (one element, real) with respect to n tensors: grad[i] has the type of
 * wrt[i]; zeros where the loss does not depend on it. Returns the graph. Errors: WG_ESHAPE unless
 * the loss has one element; WG_EDTYPE unless loss and wrt are real; WG_EGRAD for an entry on the
 * way whose record has neither a rule nor the flag NO_GRAD, with its op and site. On error grad[i]
 * are the poison. */
WG_API wg_graph *wg_grad(wg_tensor *loss, int n, wg_tensor *const *wrt, wg_tensor **grad);

/** The same for one tensor, as an expression. */
WG_API wg_tensor *wg_grad1(wg_tensor *loss, wg_tensor *wrt);

/** Vector-Jacobian product: grad[i] = sum over y of dy * (dy/dwrt[i]). dy has the type of y. */
WG_API wg_graph *wg_vjp_of(wg_tensor *y, wg_tensor *dy, int n, wg_tensor *const *wrt,
                           wg_tensor **grad);

/** Jacobian-vector product: the derivative of y when wrt[i] moves along tangent[i] (of its type);
 * made from two reverse passes, the second through the first. */
WG_API wg_tensor *wg_jvp_of(wg_tensor *y, int n, wg_tensor *const *wrt, wg_tensor *const *tangent);

/** Hessian-vector product of a one-element loss: hv[i] = sum over j of d2 loss / dwrt[i] dwrt[j] *
 * v[j]. */
WG_API wg_graph *wg_hvp(wg_tensor *loss, int n, wg_tensor *const *wrt, wg_tensor *const *v,
                        wg_tensor **hv);

#ifndef WG_NO_SITES
#define wg_grad(...)   wg_at_graph(WG_SITE, wg_grad(__VA_ARGS__))
#define wg_grad1(...)  wg_at(WG_SITE, wg_grad1(__VA_ARGS__))
#define wg_vjp_of(...) wg_at_graph(WG_SITE, wg_vjp_of(__VA_ARGS__))
#define wg_jvp_of(...) wg_at(WG_SITE, wg_jvp_of(__VA_ARGS__))
#define wg_hvp(...)    wg_at_graph(WG_SITE, wg_hvp(__VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif

#endif
