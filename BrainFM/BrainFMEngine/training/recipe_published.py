"""Published schedules: both papers count in epochs or steps of their own data sets."""

from __future__ import annotations

import math

from BrainFMEngine.training.recipe_options import ScheduleOptions

BRAINFM_SUBJECTS = 4820
"""90 % of the 5355 T1w cases of BrainFM §4.1.1, the training subjects of Setup I."""
ADNI_SUBJECTS = 1841
"""Training subjects of the largest downstream data set (Brain-ID Table 2)."""
ADHD200_SUBJECTS = 738
"""90 % of the 820 T1w cases that the brain age is learnt from (BrainFM §4.1.1)."""

BRAIN_ID_STEPS = 300_000


def brainfm_schedule(subjects: int) -> tuple[int, ScheduleOptions]:
    """Return steps and schedule of BrainFM §4.1.5: 2000 epochs, warm-up 5, drops at 1000 and 1600."""
    return 2000 * subjects, ScheduleOptions(
        "multistep", warm_up_steps=5 * subjects, drops=(1000 * subjects, 1600 * subjects)
    )


def brain_id_schedule() -> tuple[int, ScheduleOptions]:
    """Return steps and schedule of the feature pre-training (Brain-ID, appendix B)."""
    return BRAIN_ID_STEPS, ScheduleOptions("multistep", warm_up_steps=2000, drops=(160_000, 240_000))


def adaptation_schedule(subjects: int, batch: int) -> tuple[int, ScheduleOptions]:
    """Return steps and schedule of Brain-ID's downstream configuration: 400 epochs, warm-up 1, drops at 250 and 300."""
    epoch = math.ceil(subjects / batch)
    return 400 * epoch, ScheduleOptions("multistep", warm_up_steps=epoch, drops=(250 * epoch, 300 * epoch))
