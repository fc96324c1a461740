"""The words around the tables of a family's page."""

PAGE = """# The family {family}

Everything here is written by

    {command}

except what stands between the two marks under "Reading", which a person writes and the command
keeps.  What the numbers mean: [evaluation.md](../../explanations/evaluation.md).  Models: {models}.

## What was to be reached

{reach}

"By compound": each compound group counts as one; of the answered, groups with an answer.  Not
answered counts as wrong in macro F1; `forced` takes the most probable class, answered or not.
The plan wants unfinished scans "calibrated there too", without a number: {calibrated:.2f} is ours.
In brackets the calibration error at the cut, the mean top probability, and how often it is right.

## Reading

{reading}

## All judges, on the same rows

Brackets hold the 95 % interval by bootstrap over compounds, left out if all draws
agree. The baselines give no probabilities and always answer if the spectrum covers
their window; compare them with `forced`.
"{near}" has seen measured spectra of other compounds, which no model here has; "{near_computed}"
knows what the models know.  The majority knows how common each class is in the very data.

{judges}
## By absorber

Computed spectra are judged by the member that did not see them, measured ones by the whole model.

{absorbers}

![F1 per class, and what became of the measured spectra]({family}-classes.png)

The lines are 95 % intervals.

![Reliability]({family}-reliability.png)

Of all spectra with probabilities, answered or not; bins of fewer than {few} are left out.

![Risk against coverage]({family}-risk.png)

## Label sets

A set holds the most probable classes up to the sum that the model's card states.  Of all spectra
with probabilities, answered or not; "by compound": each compound group counts as one.
A sum that suits computed spectra promises nothing on measured ones, and what holds for all
absorbers together need not hold for each.

{label_sets}
## Unfinished scans, and noise

Accuracy by absorber is on the right; not answered counts as wrong. Cuts are relative
to the edge reference of the full scan. The second table of each pair is about the
spectra with probabilities, which are few if the scan ends too early. If the mean top
probability is above the share of right answers, the model is overconfident; if below,
underconfident.
Of the computed spectra, some of the groups, to save time: compare with their own first line.

{worse}
![Unfinished scans and noise]({family}-worse.png)

## Compounds that it gets wrong

Main set, one line a compound and answer; probabilities are means of its spectra.  "n of m": spectra
of the compound that this line is about, of all that are scored.

{wrong}

![Spectra of the wrong ones]({family}-wrong.png)

{drawn} of {n_wrong} lines are drawn: measured in black; coloured, the {low}th to {high}th
percentile of the computed spectra of the true and of the said class.

## Compounds that it does not answer

In brackets the most probable class.

{silent}

## Metals, sulfides, halides that got an answer

{others}

## Mixed compounds

{mixed}
{benchmark}"""

SET = """### {name}

{about}

{table}

"""

ABOUT = {
    "computed": "Computed spectra, judged by members that saw neither them nor their kin.",
    "experimental": "Measured standards, the main set.",
    "zheng2020-benchmark": (
        "The measured set of Zheng et al. (2020); many of its rows are other copies of spectra in"
        " the main set."
    ),
}

BENCHMARK = """
## Wrong or not answered in the benchmark of Zheng et al.

{wrong}

{silent}
"""

WORSE = """### {name}

{last_energy}

{last_energy_calibrated}

{noise}

{noise_calibrated}

"""

LABEL_SETS = """### {name}

{table}

"""
