"""Networks as programs, graphs and models of others, and from these: methods.

What stands behind them, in export/ and interop/, is imported where it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from fastnn import _words

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, DTypeLike

    from fastnn._core.model import Model
    from fastnn.export._exported import Exported


class Exporting:
    """A network or an estimator that goes elsewhere."""

    if TYPE_CHECKING:

        def _exported(self) -> Exported: ...

    @_words.explained
    def to_c(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        name: str | None = None,
        numbers: str = "hex",
        quantize: str | None = None,
        data: tuple[ArrayLike, ArrayLike] | None = None,
        dtype: DTypeLike | None = None,
    ) -> str:
        """The network as a C header that needs nothing else: see `fastnn.export.to_c`."""
        from fastnn import export

        return export.to_c(
            self, path, name=name, numbers=numbers, quantize=quantize, data=data, dtype=dtype
        )

    @_words.explained
    def to_onnx(self, path: str | os.PathLike[str] | None = None) -> Any:
        """The network as a model of ONNX: see `fastnn.export.to_onnx`."""
        from fastnn import export

        return export.to_onnx(self, path)


class Exchanging(Exporting):
    """A network that goes to other libraries, too, and comes from there."""

    if TYPE_CHECKING:
        _model: Model

        @classmethod
        def from_parameters(
            cls,
            weights: Sequence[ArrayLike],
            biases: Sequence[ArrayLike],
            *,
            activation: str | Sequence[str] = "sigmoid",
            loss: str = "mse",
            seed: int | None = None,
        ) -> Self: ...

    @_words.explained
    def to_torch(self) -> Any:
        """The network as a ``torch.nn.Sequential``, with copies of its parameters.

        It needs PyTorch: ``pip install "fastnn[torch]"``. See `fastnn.interop.to_torch`.
        """
        from fastnn import interop

        return interop.to_torch(self)

    @classmethod
    @_words.explained
    def from_torch(cls, module: Any, *, loss: str | None = None, seed: int | None = None) -> Self:
        """The network that a ``torch.nn.Sequential`` of Linear layers and activations is.

        loss is for training to go on; where the module ends in logits, "cross_entropy" makes a
        softmax output layer of them, and "bce" a sigmoid one. See `fastnn.interop.from_torch`.
        """
        from fastnn import interop

        return interop.from_torch(module, loss=loss, seed=seed, network=cls)

    @classmethod
    @_words.explained
    def from_keras(cls, model: Any, *, loss: str | None = None, seed: int | None = None) -> Self:
        """The network that a model of Keras 3 is, a chain of Dense layers and activations.

        loss is for training to go on: None takes that with which the model was compiled. Where the
        model ends in logits, "cross_entropy" makes a softmax output layer of them, and "bce" a
        sigmoid one. See `fastnn.interop.from_keras`.
        """
        from fastnn import interop

        return interop.from_keras(model, loss=loss, seed=seed, network=cls)

    @classmethod
    @_words.explained
    def from_sklearn(cls, model: Any, *, seed: int | None = None) -> Self:
        """The network of a fitted MLPClassifier or MLPRegressor, scikit-learn's or fastnn's.

        Its outputs are what ``predict`` gives of regressors, and ``predict_proba`` of classifiers:
        of two classes the probability of the second alone. See `fastnn.interop.from_sklearn`.
        """
        from fastnn import interop

        return interop.from_sklearn(model, seed=seed, network=cls)

    @_words.explained
    def to_safetensors(self, path: str | os.PathLike[str]) -> None:
        """Write the parameters into a file for safetensors, by PyTorch's names and shapes.

        It needs safetensors: ``pip install "fastnn[safetensors]"``. See
        `fastnn.interop.to_safetensors`.
        """
        from fastnn import interop

        interop.to_safetensors(self, path)

    @classmethod
    @_words.explained
    def from_safetensors(
        cls,
        path: str | os.PathLike[str],
        *,
        layers: Sequence[str] | None = None,
        activation: str | Sequence[str] | None = None,
        loss: str | None = None,
        seed: int | None = None,
    ) -> Self:
        """A network with the parameters in a file of safetensors.

        Files of `to_safetensors` say everything themselves; for others, activation must be given,
        and layers if more than numbers is different in their names. See
        `fastnn.interop.from_safetensors`.
        """
        from fastnn import interop

        return interop.from_safetensors(
            path, layers=layers, activation=activation, loss=loss, seed=seed, network=cls
        )

    @_words.explained
    def to_fann(self, path: str | os.PathLike[str]) -> None:
        """Write the network into a file that FANN reads: see `fastnn.interop.to_fann`."""
        from fastnn import interop

        interop.to_fann(self, path)

    @classmethod
    @_words.explained
    def from_fann(
        cls,
        path: str | os.PathLike[str],
        *,
        loss: str = "mse",
        dtype: DTypeLike = "float64",
        seed: int | None = None,
    ) -> Self:
        """The network in a file that FANN has written: see `fastnn.interop.from_fann`."""
        from fastnn import interop

        return interop.from_fann(path, loss=loss, dtype=dtype, seed=seed, network=cls)
