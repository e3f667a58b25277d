"""The Slicer side of training: what users press and see; the engine trains, in processes of their own.

Layout, each file with one concept:
    a run from here   Recipes, TrainingRequest, TrainingEstimate, TrainerProcess
    any run           RunList, RunLogTail, LossCurves, LossPlot, RunFollower
    data              DatasetRows, DatasetCheck
    module            Widget, Widgets/

The rules of BrainFMLib hold here, too; what BrainFMLib has is used from there. A training that was started here and
one of another process are followed alike: by the files in their folder. So a training outlives the module and, if the
user wants it, Slicer.
"""
