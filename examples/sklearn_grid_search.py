"""
A pipeline and a grid search over handwritten digits, as many scripts for scikit-learn do it
============================================================================================

The line that imports MLPClassifier is the only one that knows of fastnn: sklearn_either_import.py
runs this script with either.
"""

import warnings

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import classification_report, confusion_matrix
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from fastnn.sklearn import MLPClassifier

warnings.filterwarnings("ignore", category=ConvergenceWarning)

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.25, stratify=y, random_state=42
)

pipeline = Pipeline(
    [("scaler", StandardScaler()), ("mlp", MLPClassifier(max_iter=30, random_state=42))]
)
grid = {
    "mlp__hidden_layer_sizes": [(30,), (60, 30)],
    "mlp__learning_rate_init": [0.001, 0.01],
}
search = GridSearchCV(pipeline, grid, cv=3, scoring="accuracy")
search.fit(X_train, y_train)

print("Best parameters:", search.best_params_)
print(f"Best cross-validation accuracy: {search.best_score_:.4f}")
for scores in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
    print("  {} {:.4f}".format(*scores))
y_pred = search.predict(X_test)
print(classification_report(y_test, y_pred))
print(confusion_matrix(y_test, y_pred))
