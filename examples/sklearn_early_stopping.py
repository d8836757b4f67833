"""
A regression with early stopping, and its learning curve
========================================================

The line that imports MLPRegressor is the only one that knows of fastnn: sklearn_either_import.py
runs this script with either.
"""

from sklearn.datasets import make_friedman1
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from fastnn.sklearn import MLPRegressor

X, y = make_friedman1(n_samples=1500, noise=1.0, random_state=1)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1)
scaler = StandardScaler()
X_train, X_test = scaler.fit_transform(X_train), scaler.transform(X_test)

model = MLPRegressor(
    hidden_layer_sizes=(50, 25),
    batch_size=16,
    early_stopping=True,
    validation_fraction=0.2,
    n_iter_no_change=20,
    max_iter=1000,
    random_state=1,
)
model.fit(X_train, y_train)

y_pred = model.predict(X_test)
print(f"Stopped after {model.n_iter_} epochs")
print(f"Best validation score: {model.best_validation_score_:.4f}")
print(f"R2 on test data: {r2_score(y_test, y_pred):.4f}")
print(f"Mean absolute error: {mean_absolute_error(y_test, y_pred):.4f}")
for epoch in range(0, model.n_iter_, 10):
    score = model.validation_scores_[epoch]
    print(f"  epoch {epoch:3}: loss {model.loss_curve_[epoch]:8.4f}, validation {score:.4f}")
