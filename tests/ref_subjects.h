/* ref_subjects.h: the references as subjects of golden files, one table an adaptor file. */
#ifndef REF_SUBJECTS_H
#define REF_SUBJECTS_H

#include "golden_case.h"

extern const gsubject ref_subjects_act[];
extern const gsubject ref_subjects_conv[];
extern const gsubject ref_subjects_model[];
extern const gsubject ref_subjects_module[];
extern const gsubject ref_subjects_naive[]; /* element by element */
extern const gsubject ref_subjects_seq[];
extern const gsubject ref_subjects_utils[]; /* by columns, element by element */
extern const gsubject ref_subjects_combine[];
extern const gsubject ref_subjects_dense[];
extern const gsubject ref_subjects_loss[];
extern const gsubject ref_subjects_norm[];
extern const gsubject ref_subjects_optim[];

/* The second-order subject of golden files on double backward, by the name of the layer. */
extern const gsubject ref_subjects_second[];
extern const gsubject ref_subjects_second_more[]; /* Conv2D and LSTM */

/* The row for this case, of whichever table; NULL when there is no reference of its subject. */
const gsubject *ref_subject_of(const gcase *c);

bool ref_fc2_forward(const gcase *c, gresult *r);
bool ref_fc2_backward(const gcase *c, gresult *r);

#endif
