/* reference_dense.h: layers without windows and time (numpy-ml layers.py, wrappers.py). See
 * reference.h for what holds of all: inputs' gradients are written, parameters' are added to. */
#ifndef WENGERT_REFERENCE_DENSE_H
#define WENGERT_REFERENCE_DENSE_H

#include "wengert/reference_act.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- FullyConnected ---- */

/** Z = X W + b, Y = f(Z): X [N, n_in], W [n_in, n_out], b [n_out] or NULL; Z and Y [N, n_out], and
 * Y may be NULL. Source: numpy-ml FullyConnected. */
WG_REF_API void wg_ref_fully_connected(wg_ref_act act, int64_t N, int64_t n_in, int64_t n_out,
                                       const double *X, const double *W, const double *b, double *Z,
                                       double *Y);

/** dZ = dY f'(Z); dX = dZ W^T; dW += X^T dZ; db += sum_N dZ. Z is that of the forward: numpy-ml
 * computes it again from parameters that may have changed. Source: numpy-ml FullyConnected.backward
 * and _bwd. */
WG_REF_API bool wg_ref_fully_connected_backward(wg_ref_act act, int64_t N, int64_t n_in,
                                                int64_t n_out, const double *X, const double *W,
                                                const double *Z, const double *dY, double *dX,
                                                double *dW, double *db);

/** The second-order backward: gradients of S = sum G dX, with dX = (dY f'(Z)) W^T the result of the
 * first and G [N, n_in]. With P = G W and Q = P dY f''(Z):
 *     ddY = P f'(Z); dX2 = Q W^T; dW += G^T (dY f'(Z)) + X^T Q; db += sum_N Q.
 * ddY [N, n_out] and dX2 [N, n_in] are written. Source: numpy-ml FullyConnected._bwd2, which lacks
 * everything with f'' and does not return dX2. */
WG_REF_API bool wg_ref_fully_connected_bwd2(wg_ref_act act, int64_t N, int64_t n_in, int64_t n_out,
                                            const double *X, const double *W, const double *Z,
                                            const double *dY, const double *G, double *ddY,
                                            double *dX2, double *dW, double *db);

/* ---- SparseEvolution ---- */

/** FullyConnected with the weights M W, M [n_in, n_out] of zeros and ones. Source: numpy-ml
 * SparseEvolution; Mocanu et al. 2018. */
WG_REF_API bool wg_ref_sparse_evolution(wg_ref_act act, int64_t N, int64_t n_in, int64_t n_out,
                                        const double *X, const double *W, const double *mask,
                                        const double *b, double *Z, double *Y);

/** As FullyConnected's with M W for W; dW += M (X^T dZ). Source: numpy-ml SparseEvolution.backward
 * and _bwd, where dW is not masked. */
WG_REF_API bool wg_ref_sparse_evolution_backward(wg_ref_act act, int64_t N, int64_t n_in,
                                                 int64_t n_out, const double *X, const double *W,
                                                 const double *mask, const double *Z,
                                                 const double *dY, double *dX, double *dW,
                                                 double *db);

/** As FullyConnected's with M W for W, and what dW gets masked. Source: numpy-ml
 * SparseEvolution._bwd2, where neither is masked. */
WG_REF_API bool wg_ref_sparse_evolution_bwd2(wg_ref_act act, int64_t N, int64_t n_in, int64_t n_out,
                                             const double *X, const double *W, const double *mask,
                                             const double *Z, const double *dY, const double *G,
                                             double *ddY, double *dX2, double *dW, double *db);

/** The probability of a connection: min(1, epsilon (n_in + n_out) / (n_in n_out)). */
WG_REF_API double wg_ref_sparse_evolution_density(int64_t n_in, int64_t n_out, double epsilon);

/** The first half of an evolution step, over n weights: of the connections (mask 1) with positive
 * weight, floor(zeta count) nearest zero are dropped, and likewise of those with negative weight;
 * among equals the earlier goes first. `after` [n], which may be mask, gets the mask that is left.
 * Returns how many were dropped, or -1 when out of memory. 0 <= zeta <= 1. Source: numpy-ml
 * SparseEvolution._evolve_connections, which cannot run; Mocanu et al. 2018. */
WG_REF_API int64_t wg_ref_sparse_evolution_prune(int64_t n, double zeta, const double *W,
                                                 const double *mask, double *after);

/** The second half: `grow` connections at places where mask is 0, each equally likely, drawn
 * without replacement by u [grow] in [0, 1); weight [grow] are the new weights. W and mask change.
 * Returns how many were grown: fewer when there are not so many places. */
WG_REF_API int64_t wg_ref_sparse_evolution_grow(int64_t n, int64_t grow, const double *u,
                                                const double *weight, double *W, double *mask);

/* ---- Softmax ---- */

/** y_c = e^x_c / sum_c e^x_c along an axis of C elements: X [outer, C, inner], inner 1 for the last
 * axis. Y may be X. Source: numpy-ml Softmax, which knows the last axis alone. */
WG_REF_API void wg_ref_softmax(int64_t outer, int64_t C, int64_t inner, const double *X, double *Y);

/** dx = y (dy - sum_c dy y). dX may be dY. Source: numpy-ml Softmax.backward and _bwd. */
WG_REF_API void wg_ref_softmax_backward(int64_t outer, int64_t C, int64_t inner, const double *Y,
                                        const double *dY, double *dX);

/** Gradients of S = sum G dX: ddY = y (g - sum_c g y); with h = g (dy - sum_c dy y) - dy sum_c g y,
 * dX2 = y (h - sum_c h y). Both written, and neither may be an operand. */
WG_REF_API void wg_ref_softmax_bwd2(int64_t outer, int64_t C, int64_t inner, const double *Y,
                                    const double *dY, const double *G, double *ddY, double *dX2);

/* ---- Embedding ---- */

typedef enum { WG_REF_POOL_NONE, WG_REF_POOL_SUM, WG_REF_POOL_MEAN } wg_ref_pool;

/** Rows of W [vocab_size, n_out]. Example k of N owns ids[offsets[k] .. offsets[k + 1]).
 * Without pooling Y [offsets[N], n_out] has a row for each id; sum and mean give Y [N, n_out]; an
 * example of no ids gives zeros. Source: numpy-ml Embedding. */
WG_REF_API void wg_ref_embedding(wg_ref_pool pool, int64_t N, int64_t n_out, const int64_t *ids,
                                 const int64_t *offsets, const double *W, double *Y);

/** dW[id] += dY of its row, of its example, or of its example divided by the count: once for each
 * occurrence (numpy-ml counts repeated ids of a pooled example once). Source: numpy-ml
 * Embedding.backward and _bwd. */
WG_REF_API void wg_ref_embedding_backward(wg_ref_pool pool, int64_t N, int64_t n_out,
                                          const int64_t *ids, const int64_t *offsets,
                                          const double *dY, double *dW);

/* ---- Add, Multiply, Flatten ---- */

/** Y = f(sum_k X_k) and Y = f(prod_k X_k), K inputs of n elements. Source: numpy-ml Add and
 * Multiply. */
WG_REF_API void wg_ref_add(wg_ref_act act, int64_t K, int64_t n, const double *const *X, double *Y);
WG_REF_API void wg_ref_multiply(wg_ref_act act, int64_t K, int64_t n, const double *const *X,
                                double *Y);

/** dX_k = dY f'(Z) for each k, and dX_k = dY f'(Z) prod_{i != k} X_i: products of the others, which
 * stand where an input is 0. A NULL among dX is not wanted. Source: numpy-ml Add.backward,
 * Multiply.backward. */
WG_REF_API void wg_ref_add_backward(wg_ref_act act, int64_t K, int64_t n, const double *const *X,
                                    const double *dY, double *const *dX);
WG_REF_API void wg_ref_multiply_backward(wg_ref_act act, int64_t K, int64_t n,
                                         const double *const *X, const double *dY,
                                         double *const *dX);

typedef enum { WG_REF_KEEP_FIRST, WG_REF_KEEP_LAST, WG_REF_KEEP_NONE } wg_ref_keep;

/** The two extents of an array after Flatten: [dim[0], rest], [rest, dim[rank - 1]] or [1, all].
 * The elements keep their order. Source: numpy-ml Flatten. */
WG_REF_API void wg_ref_flatten_shape(wg_ref_keep keep, int rank, const int64_t *dim,
                                     int64_t flat[2]);

/** dX = dY in the shape of X: a copy of n elements. Source: numpy-ml Flatten.backward. */
WG_REF_API void wg_ref_flatten_backward(int64_t n, const double *dY, double *dX);

/* ---- Dropout ---- */

/** A mask of zeros and ones over the layer's input: Y = X mask, times 1 / (1 - p) when scale_input.
 * That is the published, inverted dropout. Otherwise, as numpy-ml's wrapper, the layer's output is
 * scaled: wg_ref_dropout_output. Y may be X. Source: numpy-ml Dropout.forward; Srivastava et al.
 * 2014. */
WG_REF_API void wg_ref_dropout_input(int64_t n, double p, bool scale_input, const double *mask,
                                     const double *X, double *Y);
WG_REF_API void wg_ref_dropout_output(int64_t n, double p, const double *Y, double *scaled);

/** The backward, around that of the layer: dY / (1 - p) goes in (written to `scaled`, the caller's
 * array stays), and what comes out is masked, which numpy-ml forgets: dX = mask d, times
 * 1 / (1 - p) when scale_input. Source: numpy-ml Dropout.backward. */
WG_REF_API void wg_ref_dropout_output_backward(int64_t n, double p, const double *dY,
                                               double *scaled);
WG_REF_API void wg_ref_dropout_input_backward(int64_t n, double p, bool scale_input,
                                              const double *mask, const double *d, double *dX);

/* ---- RBM ---- */

/** A restricted Boltzmann machine: W [n_in, n_out], b_in [n_in], b_out [n_out]. */
typedef struct {
    int64_t n_in, n_out;
    const double *W, *b_in, *b_out;
} wg_ref_rbm;

/** K steps of Gibbs sampling from V [N, n_in]: p_H = s(V W + b_out), H = 1 where U[0] <= p_H; then
 * K times p_V_prime = s(H W^T + b_in), p_H_prime = s(p_V_prime W + b_out), and H = 1 where
 * U[k] <= p_H_prime, but probabilities in the last step. U [K, N, n_out]. Written, each [N, n_in]
 * or [N, n_out], NULL when not wanted: p_H, H, p_V_prime, p_H_prime. K >= 1. Source: numpy-ml
 * RBM.forward, which compares with the layer's K, not with that of the call; Hinton 2012. */
WG_REF_API bool wg_ref_rbm_gibbs(const wg_ref_rbm *rbm, int64_t N, int64_t K, const double *V,
                                 const double *U, double *p_H, double *H, double *p_V_prime,
                                 double *p_H_prime);

/** CD-k, in the direction optimisers descend: with the arrays of wg_ref_rbm_gibbs,
 *     dW += p_V_prime^T p_H_prime - V^T p_H; db_in += sum_N (p_V_prime - V);
 *     db_out += sum_N (p_H_prime - p_H).
 * The gradient of sum_N F(V) - F(p_V_prime) with p_V_prime fixed. Source: numpy-ml RBM.backward,
 * which has the opposite sign and does not sum the biases. */
WG_REF_API void wg_ref_rbm_backward(const wg_ref_rbm *rbm, int64_t N, const double *V,
                                    const double *p_H, const double *p_V_prime,
                                    const double *p_H_prime, double *dW, double *db_in,
                                    double *db_out);

/** F(v) = -v . b_in - sum_j softplus(v . W_j + b_out_j), F [N]. */
WG_REF_API void wg_ref_rbm_free_energy(const wg_ref_rbm *rbm, int64_t N, const double *V,
                                       double *F);

#ifdef __cplusplus
}
#endif

#endif
