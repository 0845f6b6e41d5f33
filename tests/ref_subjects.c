/* ref_subjects.c: the reference that belongs to a golden case. */
#include "ref_subjects.h"

#include <string.h>

const gsubject *ref_subject_of(const gcase *c)
{
    static const gsubject *const tables[] = { ref_subjects_act,    ref_subjects_loss,
                                              ref_subjects_dense,  ref_subjects_combine,
                                              ref_subjects_norm,   ref_subjects_optim,
                                              ref_subjects_conv,   ref_subjects_seq,
                                              ref_subjects_module, ref_subjects_model };
    const gsubject *s = NULL;

    if (strcmp(c->subject, "double backward of single layers") == 0) {
        const char *layer = g_str(c, "layer", "");

        s = g_subject(ref_subjects_second, layer);
        return s ? s : g_subject(ref_subjects_second_more, layer);
    }
    for (size_t t = 0; !s && t < sizeof tables / sizeof tables[0]; t++)
        s = g_subject(tables[t], c->subject);
    return s;
}
