"""What a network shows of itself: a table in terminals, and a drawing beside it in notebooks."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from fastnn import Network, _words
from fastnn.sklearn import MLPClassifier

SVG = "{http://www.w3.org/2000/svg}"
RADIUS = 7


def tree(net):
    """It is well-formed XML, too."""
    return ElementTree.fromstring(net._repr_html_())


def table(net):
    return [[cell.text or "" for cell in row] for row in tree(net).iter("tr")]


def test_the_table_of_a_terminal(capsys):
    net = Network([784, 1000, 10], activation=["relu", "softmax"], dtype="float32", seed=0)
    assert net.summary() is None
    assert capsys.readouterr().out == (
        "Network of 2 layers, float32, loss mse\n"
        "layer  weights      biases   activation  parameters\n"
        "0      (784, 1000)  (1000,)  relu           785,000\n"
        "1      (1000, 10)   (10,)    softmax         10,010\n"
        "                             in all         795,010\n"
    )
    Network([1, 1]).summary()
    assert capsys.readouterr().out.startswith("Network of 1 layer, float64, loss mse\n")


def test_shapes_and_numbers_are_those_of_the_parameters(capsys):
    net = Network([3, 7, 5, 2], seed=0)
    net.summary()
    *rows, last = capsys.readouterr().out.splitlines()[2:]
    for i, row in enumerate(rows):
        W, b = net.weights[i], net.biases[i]
        assert re.split("  +", row) == [
            str(i), str(W.shape), str(b.shape), "sigmoid", str(W.size + b.size),
        ]  # fmt: skip
    assert last.split()[-1] == str(net.n_parameters)
    html = table(net)
    assert html[0] == ["layer", "weights", "biases", "activation", "parameters"]
    assert [row[1] for row in html[1:-1]] == [str(W.shape) for W in net.weights]
    assert html[-1][-1] == str(net.n_parameters)


def test_a_class_of_ones_own_has_its_name(capsys):
    class Mine(Network):
        pass

    net = Mine([2, 1])
    net.summary()
    assert capsys.readouterr().out.startswith("Mine of 1 layer")
    assert "Mine of 1 layer" in net._repr_html_()


def test_keras_users_are_told_of_nothing_else():
    assert "summary" not in _words.ATTRIBUTES
    assert "summary" in dir(Network)


def test_the_drawing_has_each_weight_by_its_sign():
    W = np.array([[1.0, -0.5, 0.1], [-1.0, 0.9, 0.4]])
    net = Network.from_parameters([W], [[0.0, 1.0, -1.0]])
    svg = tree(net).find(f"{SVG}svg")
    ends = {}
    for path in svg.iter(f"{SVG}path"):
        for x0, y0, x1, y1 in re.findall(r"M(\S+) (\S+)L(\S+) (\S+?)(?=M|$)", path.get("d")):
            ends[float(y0), float(y1)] = path.get("stroke"), float(path.get("stroke-width"))
            assert float(x0) < float(x1)
    circles = list(svg.iter(f"{SVG}circle"))
    heights = [float(one.get("cy")) for one in circles]
    inputs, units = heights[:2], heights[2:]
    assert len(ends) == W.size
    blue, orange = "#2484C6", "#D55E00"
    for (i, j), w in np.ndenumerate(W):
        assert ends[inputs[i], units[j]][0] == (blue if w > 0 else orange)
    assert ends[inputs[0], units[0]][1] > ends[inputs[0], units[1]][1]
    assert ends[inputs[0], units[1]][1] > ends[inputs[0], units[2]][1]
    rings = [one.get("stroke") for one in circles]
    assert rings == ["currentColor"] * 3 + [blue, orange]


def test_rings_are_as_strong_as_biases():
    net = Network.from_parameters([np.ones((1, 3))], [[0.0, 0.5, -2.0]])
    circles = tree(net).iter(f"{SVG}circle")
    _, without, weak, strong = (float(one.get("stroke-width")) for one in circles)
    assert without == 1
    assert without < weak < strong == 2.5


def test_a_drawing_has_the_same_margin_all_around():
    svg = tree(Network([20, 7, 3], seed=0)).find(f"{SVG}svg")
    x, y = np.transpose(places_of_units(svg))
    left, top, width, height = map(float, svg.get("viewBox").split())
    margins = {x.min() - left, width - x.max(), y.min() - top, height - y.max()}
    assert len(margins) == 1
    assert margins.pop() >= 2 * RADIUS


def test_lines_go_from_unit_to_unit_and_not_into_them():
    svg = tree(Network([20, 20, 3], seed=0)).find(f"{SVG}svg")
    units, n_lines = places_of_units(svg), 0
    columns = sorted({x for x, _ in units})
    texts = [(float(one.get("x")), float(one.get("y")) - 4) for one in svg.iter(f"{SVG}text")]
    assert len(texts) == 2
    for path in svg.iter(f"{SVG}path"):
        of_text = path.get("stroke") == "currentColor"
        for numbers in re.findall(r"M(\S+) (\S+)L(\S+) (\S+?)(?=M|$)", path.get("d")):
            x0, y0, x1, y1 = map(float, numbers)
            below = max(x for x in columns if x < x0)
            above = min(x for x in columns if x > x1)
            assert columns.index(above) == columns.index(below) + 1
            assert {(below, y0), (above, y1)} <= set(units)
            assert of_text == bool({(below, y0), (above, y1)} & set(texts))
            least = 2 * RADIUS + 1 if of_text else RADIUS
            assert min(x0 - below, above - x1) >= least
            n_lines += 1
    assert n_lines == 8 * 8 + 8 * 3


def places_of_units(svg):
    """Those of circles and of texts that stand for others, whose feet are 4 below."""
    circles = [(float(one.get("cx")), float(one.get("cy"))) for one in svg.iter(f"{SVG}circle")]
    return circles + [
        (float(one.get("x")), float(one.get("y")) - 4) for one in svg.iter(f"{SVG}text")
    ]


@pytest.mark.parametrize("sizes", [[784, 128, 10], [5] * 9, [1, 1], [30] * 30, [4000, 3000]])
def test_it_stays_small_and_loads_nothing(sizes):
    net = Network(sizes, seed=0)
    html = net._repr_html_()
    assert len(html) < 30_000
    assert ("<svg" in html) == (len(sizes) <= 9)
    assert set(re.findall(r"https?://[^\"]*", html)) <= {"http://www.w3.org/2000/svg"}
    assert "<script" not in html
    assert "<style" not in html  # which would be that of the whole page
    circles = len(list(tree(net).iter(f"{SVG}circle")))
    texts = [one.text for one in tree(net).iter(f"{SVG}text")]
    if len(sizes) <= 9:
        assert circles + len(texts) == sum(min(size, 8) for size in sizes)
        assert texts == [f"+{size - 7:,}" for size in sizes if size > 8]


@pytest.mark.unwatched
def test_names_are_escaped():
    import pandas as pd

    names = ["<script>alert(1)</script>", '"&quot;', "a" * 20, *map(str, range(15))]
    net = Network([18, 1], seed=0)
    net.train(pd.DataFrame(np.eye(18), columns=names), np.zeros(18), epochs=1, learning_rate=0.1)
    found = tree(net)
    assert list(found.iter("script")) == []
    listed = found[1].text
    assert listed.startswith('inputs: <script>alert(1)</script>, "&quot;, aaaa')
    assert listed.endswith("8 and 6 more")


def test_text_and_rings_take_the_colour_of_what_is_around_them():
    colours = set(re.findall(r"#\w{6}", Network([9, 9, 2], seed=0)._repr_html_()))
    assert colours <= {"#2484C6", "#D55E00"}


def test_parameters_that_are_not_finite_do_not_hinder():
    net = Network([2, 2], seed=0)
    net.weights[0][0, 0], net.biases[0][1] = np.nan, np.inf
    assert "nan" not in net._repr_html_()
    assert len(table(net)) == 3


def test_it_changes_nothing():
    net = Network([3, 2], seed=0)
    before = net._parameters.tobytes(), net._rng.bit_generator.state
    net._repr_html_()
    assert (net._parameters.tobytes(), net._rng.bit_generator.state) == before


def test_notebooks_get_html_alone():
    # Which they would prefer, and files would hold both.
    assert not hasattr(Network, "_repr_svg_")


def test_estimators_keep_the_diagram_of_scikit_learn():
    assert "sk-top-container" in MLPClassifier()._repr_html_()
