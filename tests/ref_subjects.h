/* ref_subjects.h: the verified references as subjects of golden files, one table an adaptor file. */
#ifndef REF_SUBJECTS_H
#define REF_SUBJECTS_H

#include "golden_case.h"

extern const gsubject ref_subjects_act[];
extern const gsubject ref_subjects_conv[];
extern const gsubject ref_subjects_naive[]; /* element by element */
extern const gsubject ref_subjects_seq[];

#endif
