/* test_models.c: BernoulliVAE, WGAN_GP, Word2Vec: golden steps, and their recorded functions. */
#include "golden_kinds.h"
#include "layer_kit.h"

static void golden_vae(void)
{
    golden_run_file("model_bernoulli_vae", golden_kinds_model);
}
static void golden_wgan(void)
{
    golden_run_file("model_wgan_gp", golden_kinds_model);
}
static void golden_word2vec(void)
{
    golden_run_file("model_word2vec", golden_kinds_model);
}

TESTS(TEST(golden_vae), TEST(golden_wgan), TEST(golden_word2vec))
