"""Trained models as programs and graphs: C headers, and models of ONNX.

A model is a `fastnn.Network`, an estimator of `fastnn.sklearn`, or a `Pipeline` of scikit-learn's
that ends in one of these, after scalers (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler),
which become part of the first layer.
"""
