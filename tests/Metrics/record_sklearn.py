"""Records what scikit-learn computes on small data sets, for the tests of this folder.

    python3 record_sklearn.py data

writes sklearn_logistic.json and sklearn_svc.json. Recorded with scikit-learn 1.4.2. Inputs are rounded before the fit, so
that the files hold exactly what was fitted.
"""

import json
import os
import sys
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit, cross_val_score
from sklearn.svm import SVC

warnings.filterwarnings("ignore")


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def shuffled(random, members, others, digits):
    x = np.round(np.concatenate([members, others]), digits)
    y = np.concatenate([np.ones(len(members), int), np.zeros(len(others), int)])
    order = random.permutation(len(y))
    return x[order], y[order]


def logistic_sets():
    random = np.random.RandomState(1)
    yield "losses that overlap", *shuffled(random, random.gamma(0.5, 0.2, (200, 1)), random.gamma(0.5, 0.6, (200, 1)), 5), {}
    yield "losses that do not overlap", *shuffled(random, random.uniform(0, 0.4, (80, 1)), random.uniform(2, 6, (80, 1)), 5), {}
    yield "equal losses with outliers", *shuffled(random, random.standard_cauchy((150, 1)) ** 2, random.standard_cauchy((150, 1)) ** 2, 4), {}
    yield "entropy, few non-members, balanced", *shuffled(
        random, random.beta(0.4, 3, (250, 1)), random.beta(0.7, 2, (40, 1)), 5), {"class_weight": "balanced"}
    yield "entropy, balanced, multinomial", *shuffled(
        random, random.beta(0.4, 3, (250, 1)), random.beta(0.7, 2, (40, 1)), 5), {"class_weight": "balanced", "multi_class": "multinomial"}
    yield "three columns of other scales", *shuffled(
        random, random.normal(0, 1, (120, 3)) * [1, 5, 0.1], random.normal(0.4, 1, (120, 3)) * [1, 5, 0.1], 5), {}
    yield "ten probabilities", *shuffled(
        random, softmax(random.normal(0, 3, (150, 10))), softmax(random.normal(0, 2, (150, 10))), 5), {}


def record_logistic():
    for name, x, y, options in logistic_sets():
        tight = LogisticRegression(tol=1e-12, max_iter=100000, **options).fit(x, y)
        default = LogisticRegression(**options).fit(x, y)
        # The multinomial form of two classes has two opposite rows, of which scikit-learn shows one: half the margin.
        scale = 2 if "multi_class" in options else 1
        splits = StratifiedShuffleSplit(n_splits=5, test_size=0.1, random_state=0)
        yield {
            "name": name, "width": x.shape[1], "x": x.ravel().tolist(), "y": y.tolist(),
            "balanced": "class_weight" in options, "penalty": 1 / scale,
            "coef": (scale * tight.coef_[0]).tolist(), "intercept": scale * float(tight.intercept_[0]),
            "default_coef": (scale * default.coef_[0]).tolist(), "default_intercept": scale * float(default.intercept_[0]),
            "splits": [{"train": a.tolist(), "test": b.tolist()} for a, b in splits.split(x, y)] if x.shape[1] == 1 else [],
            "scores": cross_val_score(LogisticRegression(tol=1e-12, max_iter=100000, **options), x, y, cv=splits).tolist(),
        }


def svc_sets():
    random = np.random.RandomState(2)
    angle = random.uniform(0, np.pi, 300)
    moon = np.stack([np.cos(angle), np.sin(angle)], 1)
    other = np.stack([1 - np.cos(angle), 0.4 - np.sin(angle)], 1)
    noise = lambda: random.normal(0, 0.25, (300, 2))
    yield "two moons", (moon + noise(), other + noise()), 3.0
    yield "confidence", (random.beta(9, 0.4, (400, 1)), random.beta(4, 0.8, (400, 1))), 3.0
    yield "correctness", (random.binomial(1, 0.97, (150, 1)), random.binomial(1, 0.85, (150, 1))), 3.0
    yield "ten probabilities", (softmax(random.normal(0, 4, (450, 10))), softmax(random.normal(0, 2, (450, 10)))), 3.0
    yield "fourteen normal columns", (random.normal(0, 1, (250, 14)), random.normal(0.25, 1.2, (250, 14))), 0.5
    yield "few members", (random.normal(0, 1, (40, 3)), random.normal(0.8, 1, (300, 3))), 10.0


def record_svc():
    random = np.random.RandomState(3)
    for name, (members, others), c in svc_sets():
        x, y = shuffled(random, members, others, 4)
        fresh = np.round(x[random.choice(len(x), 200)] + random.normal(0, 0.3 * x.std(axis=0), (200, x.shape[1])), 4)
        svc = SVC(C=c, gamma="auto", kernel="rbf").fit(x, y)
        yield {
            "name": name, "width": x.shape[1], "c": c, "x": x.ravel().tolist(), "y": y.tolist(), "fresh": fresh.ravel().tolist(),
            "decisions": np.round(svc.decision_function(np.concatenate([x, fresh])), 5).tolist(),
            "rho": -float(svc.intercept_[0]), "support": int(len(svc.support_)),
        }


def main(folder):
    for name, sets in (("logistic", record_logistic()), ("svc", record_svc())):
        with open(os.path.join(folder, f"sklearn_{name}.json"), "w", encoding="ascii") as file:
            json.dump({"scikit-learn": sklearn.__version__, "sets": list(sets)}, file, separators=(",", ":"))
            file.write("\n")


main(sys.argv[1])
