"""Networks as programs, graphs and models of others, and from these: methods.

What stands behind them, in export/ and interop/, is imported where it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from fastnn import _words

if TYPE_CHECKING:
    import os

    from numpy.typing import ArrayLike

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
        name: str = "model",
        numbers: str = "hex",
        quantize: str | None = None,
        data: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> str:
        """The network as a C header that needs nothing but math.h: see `fastnn.export.to_c`."""
        from fastnn import export

        return export.to_c(self, path, name=name, numbers=numbers, quantize=quantize, data=data)

    @_words.explained
    def to_onnx(self, path: str | os.PathLike[str] | None = None) -> Any:
        """The network as a model of ONNX: see `fastnn.export.to_onnx`."""
        from fastnn import export

        return export.to_onnx(self, path)


class Exchanging(Exporting):
    """A network that goes to other libraries, too, and comes from there."""

    @_words.explained
    def to_torch(self) -> Any:
        """The network as a ``torch.nn.Sequential``: see `fastnn.interop.to_torch`."""
        from fastnn import interop

        return interop.to_torch(self)

    @classmethod
    @_words.explained
    def from_torch(cls, module: Any, *, loss: str | None = None) -> Self:
        """The network that a ``torch.nn.Sequential`` is: see `fastnn.interop.from_torch`."""
        from fastnn import interop

        return interop.from_torch(module, loss=loss, network=cls)

    @classmethod
    @_words.explained
    def from_keras(cls, model: Any, *, loss: str | None = None) -> Self:
        """The network that a model of Keras is: see `fastnn.interop.from_keras`."""
        from fastnn import interop

        return interop.from_keras(model, loss=loss, network=cls)

    @classmethod
    @_words.explained
    def from_sklearn(cls, model: Any) -> Self:
        """The network of a fitted MLP of scikit-learn: see `fastnn.interop.from_sklearn`."""
        from fastnn import interop

        return interop.from_sklearn(model, network=cls)

    @_words.explained
    def to_safetensors(self, path: str | os.PathLike[str]) -> None:
        """Write the parameters for safetensors: see `fastnn.interop.to_safetensors`."""
        from fastnn import interop

        interop.to_safetensors(self, path)

    @classmethod
    @_words.explained
    def from_safetensors(
        cls,
        path: str | os.PathLike[str],
        *,
        activation: str | list[str] | None = None,
        loss: str | None = None,
    ) -> Self:
        """A network with parameters of a file: see `fastnn.interop.from_safetensors`."""
        from fastnn import interop

        return interop.from_safetensors(path, activation=activation, loss=loss, network=cls)

    @_words.explained
    def to_fann(self, path: str | os.PathLike[str]) -> None:
        """Write the network as FANN does: see `fastnn.interop.to_fann`."""
        from fastnn import interop

        interop.to_fann(self, path)

    @classmethod
    @_words.explained
    def from_fann(cls, path: str | os.PathLike[str], *, loss: str | None = None) -> Self:
        """The network in a file of FANN's: see `fastnn.interop.from_fann`."""
        from fastnn import interop

        return interop.from_fann(path, loss=loss, network=cls)
