"""Disclosure control: how many patients any published or saved statistic must rest on."""

from __future__ import annotations

MIN_PATIENTS = 5  # smaller groups are merged or suppressed, as statistical offices do with small cells
