"""
Learning from a stream in small blocks by partial_fit, each predicted before it is learned
==========================================================================================

The line that imports MLPClassifier is the only one that knows of fastnn: sklearn_either_import.py
runs this script with either.
"""

import numpy as np
from sklearn.datasets import make_classification
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import StandardScaler

from fastnn.sklearn import MLPClassifier

X, y = make_classification(
    n_samples=10_000, n_features=20, n_informative=8, n_classes=3, random_state=0
)
scaler = StandardScaler().fit(X[:1000])
model = MLPClassifier(hidden_layer_sizes=(16,), batch_size=1, solver="sgd", random_state=0)

accuracies = []
for start in range(0, len(X), 100):
    block, labels = scaler.transform(X[start : start + 100]), y[start : start + 100]
    if start > 0:
        accuracies.append(accuracy_score(labels, model.predict(block)))
    model.partial_fit(block, labels, classes=np.unique(y))
    if start % 1000 == 900:
        recent = np.mean(accuracies[-10:])
        print(f"{start + 100:6,} samples: accuracy {recent:.3f}, loss {model.loss_:.4f}")
print(f"Progressive accuracy: {np.mean(accuracies):.4f}")
