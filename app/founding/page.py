"""The founding study on one page and in the terminal: curves, families side by side, and the limits of 40 patients."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cohortsmith.app.founding.study import GENERATED, last
from cohortsmith.evaluation.html import Contender, render_comparison
from cohortsmith.evaluation.plots import CHANCE, SYNTHETIC, Gallery, Panel, axis, layout, line, note
from cohortsmith.evaluation.plots import training as curves

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cohortsmith.app.founding.study import Study
    from cohortsmith.evaluation.metrics.sequences import Unseen

TITLE = "The founding study: 20 mutated TP53 sequences and 20 others"


def sentences(study: Study) -> list[str]:
    """The findings in words; the most sobering one first."""
    alone = {name: rows[-1] for name, rows in study.alone.items()}
    accuracies = " and ".join(
        f"{row['accuracy_train']:.0%} on these patients and {row['accuracy_holdout']:.0%} on new ones {name}"
        for name, row in alone.items()
    )
    scores = [
        f"{last(rows, 'd_fake'):.2f} to {name} ({last(rows, 'd_real'):.2f} to the real patients beside them, JS "
        f"estimate {last(rows, 'js'):.2f} nats)"
        for name, rows in study.duels.items()
    ]
    found = [
        study.unseen.sentence(),
        f"Accuracy of the discriminator trained alone as a classifier: {accuracies}.",
        f"At the end the discriminator gives {', '.join(scores)}. One half on both means that it cannot tell them "
        "apart; copies reach that as well, so it is no proof that anything was learned.",
    ]
    alarms = study.outcomes["gan"].generator.summary.get("alarms", ())
    return [*found, *(f"Alarm of the GAN: {alarm}." for alarm in alarms)]


def page(study: Study, blast: Mapping[str, float], seed: int) -> str:
    """The report as one HTML file."""
    rows = [
        Contender(family, outcome.report, f"{family}/report.html", _facts(study, family, blast))
        for family, outcome in study.outcomes.items()
    ]
    about = sentences(study)
    alone, duels = curves.accuracy(study.alone), curves.duel(study.duels)
    galleries = {
        f"Limits of {len(study.train)} patients": Gallery([_unseen(study.unseen)], about[0]),
        "The discriminator as a classifier": Gallery(alone.panels, f"{about[1]} {alone.note}", alone.legend),
        "The discriminator against generated patients, copies and random edits": Gallery(
            [*duels.panels, *_divergence(study)], " ".join([duels.note, *about[3:]]), duels.legend
        ),
    }
    facts = {
        "Cohort": "tp53-founding, simulated",
        "Train": len(study.train),
        "New patients": f"{len(study.new):,}",
        "Positions": f"{study.train.features[0]} to {study.train.features[-1]}",
        "Variants unseen": f"{study.unseen.unseen:.0%}",
        "Seed": seed,
    }
    return render_comparison(rows, title=TITLE, facts=facts, galleries=galleries)


def _divergence(study: Study) -> list[Panel]:
    """The Jensen-Shannon estimate through the GAN's training."""
    drawn = curves.training([{key: row[key] for key in ("step", "js")} for row in study.duels[GENERATED]])
    return [replace(panel, width=6, title=f"{panel.title}: {GENERATED}") for panel in drawn.panels]


def _facts(study: Study, family: str, blast: Mapping[str, float]) -> dict[str, Any]:
    facts: dict[str, Any] = {"Fit, seconds": f"{study.outcomes[family].fit_seconds:.1f}"}
    if family in blast:
        facts["Identity by NCBI blastn, %"] = f"{blast[family]:.2f}"
    return facts


def _unseen(unseen: Unseen) -> Panel:
    """Share of new variants that a number of patients has not shown."""
    sizes, shares = list(unseen.by_size), list(unseen.by_size.values())
    curve = line(sizes, shares, SYNTHETIC, "unseen", mode="lines+markers", hovertemplate="%{x} patients: %{y:.0%}")
    here = {
        "type": "scatter",
        "mode": "markers",
        "x": [unseen.train],
        "y": [unseen.unseen],
        "name": "this cohort",
        "marker": {"color": CHANCE, "size": 12, "symbol": "diamond"},
        "hovertemplate": "these %{x} patients: %{y:.0%}<extra></extra>",
    }
    looks = layout(
        axis("training patients, half of them mutated", type="log", tickvals=sizes, ticktext=[str(s) for s in sizes]),
        axis("share unseen", range=[0, 1], tickformat=".0%"),
        hovermode="closest",
    )
    # On a logarithmic axis Plotly takes the place of a note as a power of ten.
    place = {"xanchor": "left", "yanchor": "bottom", "xshift": 8}
    looks["annotations"] = [note(math.log10(unseen.train), unseen.unseen, f"{unseen.train} patients", CHANCE, **place)]
    text = (
        f"Somatic variants of {unseen.new:,} new patients, insertions and deletions included, that no training patient "
        f"carries; of the substitutions alone {unseen.substitutions:.0%}."
    )
    if unseen.estimated is not None:
        text += f" Good-Turing estimate from these {unseen.train} alone: {unseen.estimated:.0%}."
    return Panel("Unseen variants", text, [curve, here], looks, 300, 6)
