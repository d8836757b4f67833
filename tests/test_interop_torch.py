"""Networks from modules of PyTorch, and as such."""

import copy
import functools
import warnings
from collections import OrderedDict

import numpy as np
import pytest
from common import every_dtype
from interop_networks import HIDDEN, OUTPUTS, assert_near, described, random_network, samples

from fastnn import Network

torch = pytest.importorskip("torch")
nn = torch.nn
prune = pytest.importorskip("torch.nn.utils.prune")

MODULES = {
    "identity": nn.Identity,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "softplus": nn.Softplus,
    "silu": nn.SiLU,
    "gelu": functools.partial(nn.GELU, approximate="tanh"),
    "softmax": functools.partial(nn.Softmax, dim=1),
}


def outputs(module, X):
    module.eval()
    with torch.no_grad():
        return module(torch.from_numpy(X)).numpy()


def mlp(*layers, dtype="float32", seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(*layers).to(getattr(torch, dtype))


# From PyTorch


@every_dtype
@pytest.mark.parametrize("seed", range(40))
def test_outputs_of_modules(seed, dtype):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 10, rng.integers(2, 6))
    names = [*rng.choice(HIDDEN, len(sizes) - 2), OUTPUTS[seed % len(OUTPUTS)]]
    layers = []
    for n_in, n_out, name in zip(sizes, sizes[1:], names, strict=False):
        has_bias = bool(rng.integers(2))
        layers += [nn.Linear(int(n_in), int(n_out), bias=has_bias), MODULES[name]()]
        if rng.integers(3) == 0:
            layers.append(rng.choice([nn.Dropout(0.5), nn.Identity(), nn.Flatten()]))
    module = mlp(*layers, dtype=dtype, seed=seed)
    net = Network.from_torch(module)
    assert net.activations == tuple(names)
    assert net.layer_sizes == tuple(sizes)
    assert net.dtype == dtype
    X = samples(rng, net)
    assert_near(net.feedforward(X), outputs(module, X), dtype)


def test_there_is_a_module_for_each_activation():
    assert set(MODULES) == set(OUTPUTS)


def test_names_of_nested_sequentials_and_a_layer_that_is_there_twice():
    act = nn.Tanh()  # one object, as many write it
    module = mlp(
        nn.Flatten(), nn.Sequential(OrderedDict(first=nn.Linear(4, 3), act=act)),
        nn.Sequential(nn.Linear(3, 3), act, nn.Linear(3, 3), act, nn.Sequential(nn.Linear(3, 2))),
    )  # fmt: skip
    net = Network.from_torch(module)
    assert net.activations == ("tanh", "tanh", "tanh", "identity")
    X = np.ones((3, 4), np.float32)
    assert_near(net.feedforward(X), outputs(module, X), "float32")
    module[2][4][0] = nn.Linear(5, 2)
    with pytest.raises(
        ValueError, match=r"^layer '2\.4\.0' \(Linear\) cannot be taken over: it ha"
    ):
        Network.from_torch(module)


def test_images_are_given_as_rows():
    module = mlp(nn.Flatten(), nn.Linear(28 * 28, 10))
    X = np.random.default_rng(0).normal(size=(3, 28, 28)).astype(np.float32)
    net = Network.from_torch(module)
    assert_near(net.feedforward(X.reshape(3, -1)), outputs(module, X), "float32")


def test_a_linear_alone():
    module = mlp(nn.Linear(3, 2))[0]
    assert Network.from_torch(module).activations == ("identity",)
    module.register_forward_hook(lambda *_: None)
    with pytest.raises(ValueError, match=r"^the Linear cannot be taken over: its hooks"):
        Network.from_torch(module)


@pytest.mark.parametrize("width", [torch.float16, torch.bfloat16])
def test_narrow_parameters_are_widened(width):
    module = mlp(nn.Linear(3, 2), nn.Tanh()).to(width)
    net = Network.from_torch(module)
    assert net.dtype == np.float32
    np.testing.assert_array_equal(net.weights[0], module[0].weight.detach().float().numpy().T)


def test_nothing_is_shared_or_changed():
    module = mlp(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1))
    module.train()
    module[2].weight.requires_grad_(False)
    before = copy.deepcopy(module.state_dict())
    net = Network.from_torch(module, seed=0)
    net.train(np.ones((4, 3)), np.ones(4), epochs=2, learning_rate=0.1)
    assert module.training
    assert [p.requires_grad for p in module.parameters()] == [True, True, False, True]
    assert all(p.grad is None for p in module.parameters())
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[name])
    with torch.no_grad():
        module[0].weight.zero_()
    assert np.abs(net.weights[0]).min() > 0


def test_the_seed_is_that_of_training():
    module = mlp(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1))
    X = np.random.default_rng(0).normal(size=(30, 3))
    nets = [Network.from_torch(module, seed=5) for _ in range(2)]
    curves = [net.train(X, X[:, 0], epochs=2, learning_rate=0.1).history["loss"] for net in nets]
    assert curves[0] == curves[1]


@pytest.mark.parametrize(
    ("last", "loss", "activation", "found"),
    [
        ([nn.Softmax(dim=-1)], None, "softmax", "cross_entropy"),
        ([nn.LogSoftmax(dim=1)], None, "softmax", "cross_entropy"),
        ([nn.Sigmoid()], None, "sigmoid", "bce"),
        ([nn.ReLU()], None, "relu", "mse"),
        ([], None, "identity", "mse"),
        ([], "cross_entropy", "softmax", "cross_entropy"),
        ([nn.Identity()], "bce", "sigmoid", "bce"),
        ([], "huber", "identity", "huber"),
        ([nn.Sigmoid()], "mse", "sigmoid", "mse"),
        ([nn.Softmax(dim=1)], "mae", "softmax", "mae"),
    ],
)
def test_losses(last, loss, activation, found):
    module = mlp(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2), *last)
    net = Network.from_torch(module, loss=loss)
    assert (net.activations[-1], net.loss) == (activation, found)


def test_logits_and_log_softmax_become_probabilities():
    logits = mlp(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    X = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    z = torch.from_numpy(outputs(logits, X))
    softmax = torch.softmax(z, dim=1).numpy()
    net = Network.from_torch(logits, loss="cross_entropy")
    assert_near(net.feedforward(X), softmax, "float32")
    net = Network.from_torch(nn.Sequential(logits, nn.LogSoftmax(dim=1)))
    assert_near(net.feedforward(X), softmax, "float32")
    net = Network.from_torch(logits, loss="bce")
    assert_near(net.feedforward(X), torch.sigmoid(z).numpy(), "float32")
    # And its loss is that of PyTorch.
    y = np.arange(9) % 2
    theirs = nn.functional.cross_entropy(z, torch.from_numpy(y)).item()
    assert Network.from_torch(logits, loss="cross_entropy").evaluate(X, y) == pytest.approx(theirs)


def test_parametrized_weights_are_those_that_are_computed():
    module = mlp(nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)), nn.Tanh())
    with torch.no_grad():
        module[0].parametrizations.weight.original0.fill_(2.0)
    X = np.ones((2, 3), np.float32)
    assert_near(Network.from_torch(module).feedforward(X), outputs(module, X), "float32")


# What cannot be taken over


class Doubled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


class Branched(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(2, 3), nn.Linear(3, 1)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


def pruned():
    return prune.l1_unstructured(nn.Linear(2, 2), "weight", 1)


def old_weight_norm():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return nn.utils.weight_norm(nn.Linear(2, 2))


def with_infinity():
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.bias[0] = torch.inf
    return layer


def with_own_forward():
    layer = nn.Tanh()
    layer.forward = torch.sin
    return layer


@pytest.mark.parametrize(
    ("layer", "why", "remedy"),
    [
        (lambda: nn.LeakyReLU(0.2), "negative_slope is 0.2, and leaky_relu", "negative_slope=0.01"),
        (lambda: nn.ELU(2.0), "its alpha is 2.0", r"torch.nn.ELU\(alpha=1.0\)"),
        (lambda: nn.Softplus(beta=2), "its beta is 2", "beta=1.0"),
        (lambda: nn.Softplus(threshold=1), "its threshold of 1 makes it another", "train a module"),
        (nn.GELU, "its approximate is 'none', .*the tanh form", "approximate='tanh'"),
        (lambda: nn.Softmax(dim=0), "its dim is 0", r"torch.nn.Softmax\(dim=-1\)"),
        (lambda: nn.Softmax(dim=None), "its dim is None", r"torch.nn.Softmax\(dim=-1\)"),
        (lambda: nn.BatchNorm1d(2), "what can be is Linear, Sigmoid,", "train a model without it"),
        (lambda: nn.Conv1d(2, 2, 1), "what can be is Linear", "train a model without it"),
        (nn.ReLU6, "what can be is Linear", "train a model without it"),
        (nn.Tanh, "has an activation already, relu", "leave one of them out"),
        (with_own_forward, "what can be is Linear", "train a model without it"),
        (lambda: nn.Flatten(0), "does not make a row of each sample", r"use torch.nn.Flatten\(\)"),
        (lambda: nn.Linear(3, 2), "it has 3 inputs, and the layer before it 2 outputs", "that fit"),
        (lambda: nn.Linear(2, 0), "it has 2 inputs and 0 outputs", "give layers"),
        (lambda: nn.LazyLinear(2), "it has no numbers yet", "call the module once"),
        (lambda: nn.Linear(2, 2, device="meta"), "it has no numbers yet", "load its parameters"),
        (lambda: nn.Linear(2, 2, dtype=torch.complex64), "are of torch.complex64", "module.float"),
        (with_infinity, "some of its weights or biases are not finite", "train it anew"),
        (lambda: Doubled(2, 2), "what can be is Linear", "train a model without it"),
        (pruned, "its hooks may change what it computes", "remove them"),
        (old_weight_norm, "its hooks may change what it computes", "remove them"),
        (Net, "only its forward knows what it does with fc1, fc2", "torch.nn.Sequential"),
        (lambda: Branched(nn.Linear(2, 2)), "forward knows what it does with 0", "Sequential"),
    ],
)
def test_a_layer_is_refused_with_why_and_what_to_do(layer, why, remedy):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of lazy layers
        layer = layer()
    module = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), layer)
    name = rf"^layer '2' \({type(layer).__name__}\) cannot be taken over: "
    with pytest.raises(ValueError, match=f"{name}.*{why}.*; .*{remedy}"):
        Network.from_torch(module)


def test_layers_before_the_first_linear():
    for layer, remedy in (
        (nn.Tanh(), "leave it out, and apply it to the data"),
        (nn.BatchNorm1d(2), "apply it to the data, and give a model of the layers behind it"),
    ):
        with pytest.raises(ValueError, match=rf"^layer '0' \({type(layer).__name__}\).*{remedy}"):
            Network.from_torch(nn.Sequential(layer, nn.Linear(2, 1)))


def test_softmax_inside():
    module = mlp(nn.Linear(2, 2), nn.Softmax(dim=1), nn.Linear(2, 1))
    with pytest.raises(
        ValueError, match=r"^layer '1' \(Softmax\) .*output layer alone; train with"
    ):
        Network.from_torch(module)


def test_a_module_that_is_no_sequential():
    with pytest.raises(ValueError, match=r"^the Net cannot be taken over: only its forward knows"):
        Network.from_torch(Net())
    with pytest.raises(ValueError, match=r"^module must have a dense layer, and has none"):
        Network.from_torch(nn.Sequential(nn.Dropout()))


@pytest.mark.parametrize("given", [None, "net.pt", nn.Sequential, 3])
def test_what_is_no_module(given):
    with pytest.raises(TypeError, match=r"^module must be a torch\.nn\.Sequential, got "):
        Network.from_torch(given)
    with pytest.raises(TypeError, match=r"; give the module whose parameters they are$"):
        Network.from_torch(nn.Linear(2, 1).state_dict())


@pytest.mark.parametrize(
    ("loss", "error", "words"),
    [
        ("CrossEntropyLoss", ValueError, "loss must be one of .*; write \"?'cross_entropy"),
        (nn.MSELoss(), TypeError, r"loss must be one of .*, got MSELoss MSELoss\(\); write 'mse'$"),
        (nn.BCEWithLogitsLoss, TypeError, "loss must be one of .*; write 'bce'$"),
        ("bce", ValueError, 'loss="bce" needs "sigmoid" .*got "relu"'),
    ],
)
def test_losses_that_do_not_fit(loss, error, words):
    with pytest.raises(error, match=words):
        Network.from_torch(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), loss=loss)


def test_one_logit_is_none_for_classes():
    with pytest.raises(ValueError, match='must not have "softmax" on an output layer of one unit'):
        Network.from_torch(nn.Sequential(nn.Linear(2, 1)), loss="cross_entropy")


# To PyTorch


@every_dtype
@pytest.mark.parametrize("seed", range(20))
def test_to_torch_and_back(seed, dtype):
    rng = np.random.default_rng(seed)
    net = random_network(rng, dtype, output=OUTPUTS[seed % len(OUTPUTS)])
    module = net.to_torch()
    X = 3 * samples(rng, net)
    assert_near(outputs(module, X), net.feedforward(X), dtype)
    assert described(Network.from_torch(module)) == described(net)


def test_softplus_is_exact_beyond_the_threshold_of_pytorch():
    net = Network.from_parameters([[[1.0]]], [[0.0]], activation="softplus")
    X = np.linspace(-50, 60, 500)[:, np.newaxis]
    assert np.abs(outputs(net.to_torch(), X) - net.feedforward(X)).max() < 1e-14
    module = nn.Sequential(nn.Linear(1, 1), nn.Softplus()).double()
    module.load_state_dict(net.to_torch().state_dict())
    assert 1e-9 < np.abs(outputs(module, X) - net.feedforward(X)).max() < 2.1e-9


def test_the_module_is_pytorchs_own_to_train():
    net = Network([2, 3, 4, 1], activation=["identity", "relu", "identity"], seed=0)
    before = described(net)
    module = net.to_torch()
    assert [type(layer).__name__ for layer in module] == [
        "Linear", "Identity", "Linear", "ReLU", "Linear",
    ]  # fmt: skip
    assert [*module.state_dict()] == [
        f"{i}.{kind}" for i in (0, 2, 4) for kind in ("weight", "bias")
    ]
    assert all(p.requires_grad and p.is_leaf and p.is_contiguous() for p in module.parameters())
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    module(torch.ones(3, 2, dtype=torch.float64)).sum().backward()
    optimizer.step()
    assert described(net) == before


def test_gradients_are_those_of_pytorch():
    net = Network([3, 4, 2], activation=["gelu", "softmax"], loss="cross_entropy", seed=0)
    rng = np.random.default_rng(0)
    X, y = samples(rng, net), rng.integers(2, size=20)
    logits = net.to_torch()[:-1]
    nn.functional.cross_entropy(logits(torch.from_numpy(X)), torch.from_numpy(y)).backward()
    of_weights, of_biases = net.gradients(X, y)
    for i in range(2):
        assert_near(logits[2 * i].weight.grad.numpy().T, of_weights[i], "float64")
        assert_near(logits[2 * i].bias.grad.numpy(), of_biases[i], "float64")


def test_pytorchs_random_numbers_and_default_device_are_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    net = Network([2, 3, 1], seed=0)
    net.to_torch()
    assert torch.equal(torch.rand(1), expected)
    with torch.device("meta"):
        assert net.to_torch()[0].weight.device.type == "cpu"


def test_what_pytorch_does_not_have():
    net = Network([2, 1], activation="step")
    with pytest.raises(ValueError, match=r"^layer 0 has the activation 'step', which torch"):
        net.to_torch()
