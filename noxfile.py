"""Sessions for developers: ``nox -s quick`` before a commit, ``nox -s tests`` before a release."""

import tarfile
import tempfile
import zipfile
from pathlib import Path

import nox

nox.options.sessions = ["quick"]


@nox.session(venv_backend="none")
def quick(session: nox.Session) -> None:
    """Linters and tests in the present environment (pip install -e ".[dev]")."""
    lint(session)
    session.run("pytest", "-q")


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """ruff, cython-lint, mypy and stubtest in the present environment."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("cython-lint", "src_cython")
    session.run("mypy")
    session.run("stubtest", "--concise", "fastnn._kernels")


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
    finds in them is only printed, so stderr is searched. Left out are tests of rounding, of many
    moments for Ctrl-C, of cuts, of derivatives, of long runs of the reference, of random networks,
    and of files, callbacks, metrics, scikit-learn and river, which take long: others go through all
    shapes. So is S3's example: AddressSanitizer cannot stand Matplotlib's exceptions.
    """
    watch = "-fsanitize=address"
    session.install(".[test]", env={"FASTNN_DEBUG": "1", "CFLAGS": watch, "LDFLAGS": watch})
    library = session.run("gcc", "-print-file-name=libasan.so", silent=True, external=True)
    with tempfile.TemporaryFile("w+") as stderr:
        try:
            session.run(
                "pytest", "-q", "--capture=no", "-p", "no:unraisableexception",
                "-k", "not errs and not rounding and not random and not moments and not cuts "
                "and not those_of_the_reference and not derivative and not going_on "
                "and not model_file and not callbacks and not metrics and not s3 "
                "and not sklearn and not river and not docs",
                *session.posargs,
                env={
                    "LD_PRELOAD": library.strip(),
                    # Python frees little at its end, and NumPy raises MemoryError for too much.
                    "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
                    "PYTHONMALLOC": "malloc",
                },
                stderr=stderr,
            )  # fmt: skip
        finally:
            stderr.seek(0)
            printed = stderr.read()
            print(printed)
    if "Out of bounds" in printed or "ignored in" in printed:
        session.error("the kernels printed what stands above")


@nox.session
def package(session: nox.Session) -> None:
    """sdist and wheel hold what they must and no generated C; the sdist installs and runs."""
    session.install("build")
    folder = Path(session.create_tmp())
    session.run("python", "-m", "build", "--outdir", str(folder))
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    with tarfile.open(sdist) as archive:
        source = {name.partition("/")[2] for name in archive.getnames()}
    with zipfile.ZipFile(wheel) as archive:
        installed = set(archive.namelist())
    tracked = session.run("git", "ls-files", "src_cython", "fastnn", silent=True, external=True)
    needed = set(tracked.split())
    assert needed <= source, needed - source
    needed = {name for name in needed if name.endswith((".py", ".pyi", "py.typed", ".npz"))}
    needed -= {"fastnn/data/make_digits.py"}
    assert needed <= installed, needed - installed
    assert not [name for name in source | installed if name.endswith(".c")]
    session.install(str(sdist))
    with session.chdir(folder):
        session.run("fastnn", "demo")
