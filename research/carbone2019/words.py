"""The words around the tables of the report on Carbone et al. (2019)."""

PAGE = """# Carbone et al. (2019) reproduced

Published: M. R. Carbone, S. Yoo, M. Topsakal, D. Lu, Phys. Rev. Materials 3, 033604 (2019), marked
"paper" below.  Everything else here is written by one command, which keeps what it has measured in
`carbone2019.jsonl` (delete that file to measure anew):

    python -m research.carbone2019.report --data ../shared/data/computed --out docs/reference/models

{unfinished}## What was done as in the paper

Label by the lowest continuous symmetry measure among the motifs of the shell within 1.2 times the
shortest distance (`label_carbone`).  One of two spectra with a mean absolute difference below 0.015
removed.  100 points.  Zero mean and unit variance.  Convolution of 8 filters x 10, max-pooling 2,
dense 90-60-20, ReLU, dropout 0.3, softmax (CNN), or without the convolution (MLP).  Adam, batches
of 32, 50 epochs, shifts of ±1 and ±2 eV, no class weights, no other augmentation.  Ten stratified
folds by spectrum, each held out once; the number in brackets is the standard deviation over folds
in the last digit.  Weights begin as in Keras (Glorot's uniform, biases zero), and Adam's epsilon is
that of Keras.  Seed {seed}.

## What was not

- Fewer spectra (Table I), of two theories: FEFF9 (OmniXAS) for Ti, V, Cr, Co, Ni, Cu and quick
  FEFF10 for all but Cu; Mn and Fe have FEFF10 only.  The paper has one FEFF9 set.
- The two theories have two energy zeros, so grids are relative to the edge reference (-18 eV to
  where 99 % of each class reach: +15 to +39 eV), not absolute.  Below, FEFF9 alone on the paper's
  kind of grid.
- Pre-edge: the paper shows its cutoff only as a dashed line.  Here it is 5 eV below the edge
  reference: 13 eV wide, where the mean spectra of Ti, V and Cr have their minimum between pre-edge
  peak and rise, and at most 0.21 of the level behind the edge.  Spectra are standardized whole and
  then cut, as the paper's Eq. 2; standardizing what is left would lose the height of the peak.
- "Grouped folds": the same spectra and models, but near-duplicates and equal formulas are in one
  fold (scikit-learn's `StratifiedGroupKFold`).
- To save time, pre-edge models, models without shifts, our label, absolute grids and spectra with
  duplicates were measured on the first five of the ten folds.  Sets with fewer than 30 spectra of
  a class were left out.

## Judgement

- Macro F1, mean of the absorbers: MLP {mlp} (paper {paper_mlp}), CNN {cnn} (paper {paper_cnn}).
  S5 differs most: MLP {mlp_s5} (paper 0.68), CNN {cnn_s5} (paper 0.71); the mean of T4 and O6 is
  {mlp_t4_o6} for the MLP and {cnn_t4_o6} for the CNN (paper 0.94 for both).
- S5 has {few_s5} spectra of V and Co together here, {paper_few_s5} in the paper, and without class
  weights 50 epochs of few spectra are few steps: trained for as many steps as the paper's, the
  MLP's F1 of S5 goes from {co_short} to {co_long} for Co and from {ni_short} to {ni_long} for Ni.
  For V it goes from {v_short} to {v_long}: steps do not explain it.  The shell within 1.2 times the
  shortest distance loses ligands where a vanadyl bond is short, so that five-coordinate sites are
  labelled T4; under our label F1 of V's S5 is {v_ours} after 50 epochs.
- The leak: with the duplicates that the paper removes, folds by spectrum score higher than grouped
  ones by {leak_duplicates} (MLP, mean over absorbers and its standard error); without them by
  {leak_mlp} (MLP) and {leak_cnn} (CNN).
- The pre-edge models of Fe, Co, Ni and Cu lose more here than in the paper (Table III).  The cutoff
  is our reading of a dashed line, and a shift of up to 2 eV moves what little there is.
- Held-out folds hold 4 to 17 spectra of S5, so deviations over folds exceed the paper's (Table II).

## Table I: spectra per class

{table_i}

## Table II: macro F1

{table_ii}

F1 per class, averaged over the absorbers (paper: section III C, Fig. 3):

{table_classes}

![F1 per class](carbone2019-fig3.png)

## Table III: F1 of the full spectrum less F1 of the pre-edge

On the same five folds.

{table_iii}

## As many steps as the paper

Fewer spectra mean fewer steps in 50 epochs.  Here the MLP is trained for as many steps as the
paper's: 50 epochs times the paper's number of spectra over ours (five folds).

{table_steps}

## The leak

Macro F1 of folds by spectrum less that of grouped folds, mean over absorbers and its standard
error:

{leaks}

"Duplicates kept" are all spectra; there grouped folds alone keep near-duplicates together.

## With our label

`label`: coordination number by CrystalNN, geometry by the symmetry measure of that shell; five
folds.

{table_label}

## FEFF9 alone, absolute energies

As the paper's grids; `label_carbone`, five folds.  No shift between theories and none from the edge
reference.

{table_absolute}

## Figures 2, 5 and 6

![Spectra and principal components](carbone2019-fig2.png)

![Shifts](carbone2019-fig5.png)

![Noise](carbone2019-fig6.png)

Averages over the absorbers of the curves (shifts: Fig. 5; noise at maximum 1: Fig. 6; noise in
training: standard deviation 0.03, each spectrum and four noisy copies).  Of the paper's CNN without
augmentation the text says that noise of 0.1 leaves about 0.45 (Ti) and 0.25 (V); Fig. 6 shows ours.

{robustness}
"""
