"""The documentation site: what a reader looks for is there, with its signature and defaults."""

import html
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import fkeras

ROOT = pathlib.Path(fkeras.__file__).parents[1]
PAGES_OF_LAYERS = ROOT / "docs" / "api" / "layers"
METHODS = (
    "compile fit evaluate predict train_on_batch test_on_batch predict_on_batch warmup step "
    "init_state train_state set_train_state init apply summary save load_weights get_layer "
    "compute_loss train_step test_step predict_step get_weights set_weights add_loss"
).split()


def layers_by_page():
    """Names of the layers that each page shows."""
    found = {}
    for page in PAGES_OF_LAYERS.glob("*.md"):
        text = page.read_text()
        names = re.findall(r"^::: fkeras\.layers\.(\w+)$", text, re.MULTILINE)
        for members in re.findall(r"members: \[(.*?)\]", text, re.DOTALL):
            names += [name.strip() for name in members.split(",")]
        found[page.stem] = names
    return found


def test_each_layer_stands_on_one_page():
    shown = [name for names in layers_by_page().values() for name in names]
    layers = fkeras.layers
    values = {name: getattr(layers, name) for name in dir(layers)}
    own = {name for name, value in values.items() if name == getattr(value, "__name__", name)}
    assert sorted(shown) == sorted(own)


def test_pages_of_layers_are_short():
    assert max(map(len, layers_by_page().values())) <= 20


def test_the_table_of_layers_lists_what_the_pages_show():
    index = (PAGES_OF_LAYERS / "index.md").read_text()
    rows = re.findall(r"^\| \[.*?\]\((\w+)\.md\) \| (.*) \|$", index, re.MULTILINE)
    listed = {page: re.findall(r"`(\w+)`", names) for page, names in rows}
    assert listed == {page: names for page, names in layers_by_page().items() if names}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site: text of each page of the API by its address."""
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    folder = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "-q", "--strict", "--site-dir", folder]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    yield {
        str(page.relative_to(folder).parent): page.read_text()
        for page in folder.glob("api/**/index.html")
    }
    shutil.rmtree(folder)


def signature_in(text, identifier):
    """The signature that a page shows under an entry, as plain text."""
    start = text.index(f'id="{identifier}"')
    block = re.compile(r'<div class="doc-signature.*?</div>', re.DOTALL).search(text, start)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", block.group())).split())


@pytest.mark.parametrize("method", METHODS)
def test_the_site_shows_what_a_model_can_do(site, method):
    assert f'id="fkeras.models.Model.{method}"' in site["api/models"]


@pytest.mark.parametrize(
    "page, identifier, words",
    [
        ("api/models", "fkeras.models.Model.fit", ["batch_size: int | None = None", "epochs: int"]),
        ("api/models", "fkeras.models.Model.compile", ['"rmsprop"', "metrics"]),
        (
            "api/layers/dense",
            "fkeras.layers.Dense",
            ["units: int", 'Identifier = "glorot_uniform"'],
        ),
        (
            "api/layers/recurrent",
            "fkeras.layers.LSTM",
            ['"tanh"', "return_sequences: bool = False"],
        ),
        ("api/optimizers", "fkeras.optimizers.Adam", ["learning_rate", "0.001", "beta_1"]),
        ("api/losses", "fkeras.losses.Huber", ["delta: float = 1.0"]),
        ("api/callbacks", "fkeras.callbacks.EarlyStopping", ["patience: int = 0"]),
    ],
)
def test_signatures_are_shown_with_their_defaults(site, page, identifier, words):
    signature = signature_in(site[page], identifier)
    assert [word for word in words if word not in signature] == [], signature


def test_arguments_that_are_documented_together_have_their_own_defaults(site):
    text = site["api/layers/dense"]
    part = text[
        text.index('id="fkeras.layers.Dense"') : text.index('id="fkeras.layers.EinsumDense"')
    ]
    rows = re.findall(r'<tr class="doc-section-item">(.*?)</tr>', part, re.DOTALL)
    plain = [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", row)).split()) for row in rows]
    required = [row.split()[0] for row in plain if row.endswith("required")]
    assert required == ["units"]
    assert any(r.startswith("bias_initializer") and r.endswith("'zeros'") for r in plain), plain


def test_no_page_shows_an_argument_without_its_own_row(site):
    for address, text in site.items():
        names = re.findall(r'<tr class="doc-section-item">\s*<td>\s*<code>([\w, *]+)</code>', text)
        assert names or "doc-section-item" not in text, address
        assert [name for name in names if "," in name] == [], address
