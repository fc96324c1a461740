"""Words of the page on architectures."""

from __future__ import annotations

PAGE = """\
# Architecture by experiment

`python -m research.architectures.compare --data ../shared/data --out docs/reference/models`
writes this page; what it measured is in `architectures.jsonl` (delete it to begin anew).
The record was measured with training and normalization as of commit fc5ef4a. Three of
its lines, measured again, gave the same numbers to the last digit. Since then,
partners for mixing are drawn in another order, and spectra of minerals have joined
the pool and moved its folds, so new measurements will differ.

All candidates see the same pool of computed spectra, dealt to five folds by near-duplicates and
formulas over all absorbers. Folds {folds} are left out in turn and judged together, as they
were computed. Fold 0 is not among them because one group of near-duplicates fills it (2230 Cu
spectra). All are trained on the same variation (`STUDIED` in `architectures_plan.py`), networks
for {steps} batches of 256: half the shipped course, so that all could be afforded. Two of five
folds and half the course mean: **compare the lines, do not quote them as the accuracy of the
shipped model.**

- *mean F1*: macro F1 of T4, S5 and O6 on the computed spectra left out, the answer being one of
  the three, averaged over eight absorbers (Zn has fewer than 30 spectra of each class).
- Measured standards (`experimental`, set main): mean of the two members. *right*: share of the
  compounds (groups) right without abstention. *answered*: share with a probability of at least
  {confident} for one of the three; *right of answered*: of these. T4, S5, O6: recall without
  abstention. *AUROC other*: probability of `other` on metals, sulfides and halides against
  compounds of the three classes. Nothing was fitted to them, except that the factor on S5 was
  chosen by looking at them. There are 13 groups of T4, **2 of S5** and 64 of O6: one
  compound is 1.3 points of *right*, and recall of S5 says next to nothing.
- `*`: farther from the mean of the seeds than 3 standard deviations of what another seed would
  give. With {n_seeds} seeds this standard deviation is itself rough; and it knows nothing of the
  choice of compounds.

## Noise: the chosen network with other seeds

Probability of S5 times {prior}.

{seeds}

## Kinds of models

Probability of S5 times {prior}:

{architectures}

As they are (factor 1):

{as_is}

Macro F1 on computed spectra per absorber (factor 1):

{absorbers}

"Each absorber alone" is the chosen network trained on one absorber after another,
{alone} batches each. Carbone's CNN is trained as the family `carbone-cnn` is, on three classes,
with its own variation; its AUROC is of one minus its largest probability. Trees and forests are
grown on 12,000 varied, unmixed spectra with the absorber as columns. The nearest
reference is one of the computed spectra of the absorber.

The table shows what they cost, for one member. Times are those of torch or
scikit-learn on a core shared with other work, so they are upper bounds; for networks
they leave out the preparation of the spectra.

{costs}

## Variation of the training spectra

Probability of S5 times {prior}. "Everything" is every strength, not how often nor the cut.

{variation}

## Course of training and grid

Probability of S5 times {prior}.

{course}

## Factor on S5

Mean of the seeds, and longer courses:

{priors}

{missing}## Reading

{reading}
"""

READING = """\
- **One network for all absorbers beats Carbone's CNN on computed spectra**: mean F1 {base_f1}
  (standard deviation of a seed {spread}) against {carbone_f1}, {gain} points; nearest
  references get {near_1_f1} (k = 1) and {near_5_f1} (k = 5), boosted trees {boosted_f1}, a
  forest {forest_f1}, a perceptron {mlp_f1}. Only the pooled network exceeds 0.8, and by much
  more than the seeds' noise.
- **On measured compounds it does not beat Carbone's CNN**: without abstention {base_right}
  against {carbone_right} right at factor 1, {base_right_half} against {carbone_right_half} at
  {prior}, less than two compounds of 79. With abstention at {prior} it answers {base_share_half}
  of the compounds, {base_answered_half} of them right; Carbone's CNN answers {carbone_share_half},
  {carbone_answered_half} right. The shares answered differ, so this does not tell which one knows
  better when it is right: for that, compare at equal coverage (`live-lce evaluate`). What the
  pooled network adds is the shares of mixtures, scans that end early and a class `other`.
- **Nearest references, good on computed spectra, fail on measured ones** ({near_1_right} right
  at factor 1): nothing in them forgives the theory. Boosted trees on varied spectra
  ({boosted_right}) come closer to the network, and take seconds.
- **The forest's `other` is the best by far**: AUROC {forest_auroc}, against {base_auroc} for the
  networks' own and {boosted_auroc} for boosted trees. It suits as a second opinion on what is
  foreign; as a classifier it is one of the weakest on computed spectra.
- **Pooling and balance**: the same network trained on each absorber alone gets {alone_f1} on
  computed spectra and {alone_right} of the compounds at factor 1, pooled {base_f1} and
  {base_right}. Rows drawn as often as they are (balance 0) give {uneven_f1} and
  {uneven_right}, all classes alike (balance 1) {even_f1} and {even_right}; 0.5 was chosen.
- **Size, kind of network and length**: twice the parameters give {wide_f1} on computed spectra
  and {wide_right_half} of the compounds at {prior}; twice the steps {long_f1} and
  {long_right_half}; a residual CNN {residual_f1} and {residual_right_half}; a transformer
  {attention_f1} and {attention_right_half}; the chosen network {base_f1} and {base_right_half}.
  Neither size nor length is what is missing.
- **Strength of the variation trades computed against measured**: halved, computed F1 is
  {half_f1} and {half_right_half} of the compounds are right at {prior}; doubled, {double_f1} and
  {double_right_half}; as studied, {base_f1} and {base_right_half}; as shipped since, about 0.6 of
  it, {shipped_f1} and {shipped_right_half} (at factor 1 {shipped_right} against {base_right}).
  Without mixing, {nomix_f1} and {nomix_right_half}: mixtures cost little on
  computed spectra and seem to help on measured
  ones, by two compounds.
- **The factor on S5 trades the same way**: {prior} gives {right_gain} points on measured
  compounds and costs {f1_loss} points of computed F1, as much as the worst choice of architecture.
  It is not a better model but another prior: in the measured set 2 of 79 compounds are S5, in
  the computed pool about a fifth of the sites. Where both are judged, 0.7 is the compromise
  ({f1_mid} and {right_mid}).
- What failed: the factor as a cure for S5 (above), nearest references on measured spectra,
  doubling the variation, and `other` as a class of the networks, which none of them brings near
  0.95.
- What none of these lines can tell: whether S5 is recognized on measured spectra (2 groups).
"""
