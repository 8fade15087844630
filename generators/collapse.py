"""Stand-in until the collapse alarm is merged."""

import numpy as np


def collapse_alarms(generated, real, generated_y, real_y, classes):
    return []


def diversity(generated, real, generated_y, real_y, classes):
    def spread(codes):
        return float(np.sqrt(codes.reshape(len(codes), -1).var(axis=0).sum()))

    return {
        name: spread(generated[generated_y == k]) / max(spread(real[real_y == k]), 1e-9)
        for k, name in enumerate(classes)
        if (real_y == k).any() and (generated_y == k).any()
    }
