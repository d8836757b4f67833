"""Builds the kernels, once per CPU level; everything else stands in pyproject.toml.

Each unit of src_cython/ is translated to C once, and its C is compiled for each level. What was
built from the same C before, by the same compiler with the same flags, is taken from build/kernels.

FASTNN_DEBUG=1 turns Cython's checks of bounds, overflow and initialisation on; FASTNN_LEVELS=avx2,
or baseline, builds the kernels of that level alone, for tests; FASTNN_LINES=1 lets the C say from
which line of src_cython/ each of its own has come, for gcov.
"""

import hashlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import PlatformError

DEBUG = os.environ.get("FASTNN_DEBUG") == "1"
LINES = os.environ.get("FASTNN_LINES") == "1"
MSVC = platform.system() == "Windows"
X86_64 = platform.machine() in ("x86_64", "AMD64")

UNITS = ("training", "prediction", "data", "threads")
ONCE = ("threads",)  # of which the baseline serves all levels
SHARED = "fastnn._core._cyutility"  # what all of them need of Cython's for memoryviews
C_FILES = Path("build/cython-debug" if DEBUG else "build/cython")
BUILT_BEFORE = Path("build/kernels")

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "initializedcheck": DEBUG,
    "overflowcheck": DEBUG,
    "wraparound": False,  # with boundscheck, a negative index is then an error too
    "cdivision": True,
    "binding": False,
    "embedsignature": False,
}
if MSVC:
    FLAGS = ["/O2", "/fp:precise", "/utf-8"]
    SHARED_FLAGS = ["/O1", "/utf-8"]
    LINK_FLAGS = []
    LEVELS = {"baseline": [], "avx2": ["/arch:AVX2"]}
else:
    SHARED_FLAGS = ["-O1", "-g0", "-Wno-unused-function", "-Wno-strict-aliasing"]
    FLAGS = [
        # See src_cython/compiler.pxd.
        "-DCYTHON_INLINE=__inline__ __attribute__((__always_inline__, __unused__))",
        "-O1" if DEBUG else "-O3",
        "-g1" if DEBUG else "-g0",
        "-fno-math-errno",
        "-fno-trapping-math",
        "-Wno-psabi",
        "-Wno-unused-function",
        "-Wno-strict-aliasing",
    ]
    # Threads are a library of its own in glibc before 2.34, which whoever sets CC may leave out. So
    # are exp and log, which Python has loaded: auditwheel does not see them in what names no -lm.
    LINK_FLAGS = ["-pthread", "-lm"] if platform.system() == "Linux" else []
    LEVELS = {"baseline": [], "avx2": ["-march=x86-64-v3"]}  # the longest to compile first
# For those who know it: GCC would make memcpy and memset of loops over a few registers.
FLAGS_OF_GCC = ["-fno-tree-loop-distribute-patterns"]
if not X86_64:
    del LEVELS["avx2"]
WANTED = os.environ.get("FASTNN_LEVELS", " ".join(LEVELS)).split()
if not WANTED or not set(WANTED) <= set(LEVELS):
    raise SystemExit(f"FASTNN_LEVELS must be of {', '.join(LEVELS)}, got {WANTED}")


def module(unit: str, level: str) -> str:
    return f"fastnn._core._{unit}_{level}"


class BuildKernels(build_ext):
    """Translates the units, and compiles their levels side by side."""

    def finalize_options(self):
        super().finalize_options()
        n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
        self.parallel = self.parallel or n_cores

    def build_extensions(self):
        import numpy  # not before it is needed, as pip reads this file three times

        command = getattr(self.compiler, "compiler", None)
        if command and not shutil.which(command[0]):
            raise PlatformError(
                f"building fastnn needs a C compiler, and {command[0]!r} was not found: "
                "install one (Debian, Ubuntu: apt install gcc; macOS: xcode-select --install; "
                "Windows: Visual Studio Build Tools) or set the environment variable CC to yours"
            )
        c_files = self._translate()
        knows = command and not MSVC and self._knows(command[0], FLAGS_OF_GCC)
        for extension in self.extensions:
            extension.sources = [c_files[extension.name]]
            extension.include_dirs = [numpy.get_include()]
            extension.define_macros += [("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")]
            extension.extra_link_args += LINK_FLAGS
            if knows and extension.name != SHARED:
                extension.extra_compile_args += FLAGS_OF_GCC
        super().build_extensions()

    def _translate(self) -> dict[str, str]:
        """The C file of each module, which is the same for all levels of a unit."""
        from Cython.Build import cythonize

        units = [Extension(f"fastnn._core._{unit}", [f"src_cython/{unit}.pyx"]) for unit in UNITS]
        *of_units, shared = cythonize(
            [*units, Extension(SHARED, [])],
            build_dir=str(C_FILES),
            include_path=["src_cython"],
            compiler_directives=DIRECTIVES,
            shared_utility_qualified_name=SHARED,
            emit_linenums=LINES,
            nthreads=len(UNITS),
            force=True,  # a copied source may be newer than its date says
        )
        path = Path(shared.sources[0])
        text = path.read_text(encoding="utf-8")
        # Cython lets it enter itself in sys.modules without its package.
        if '"_cyutility"' not in text:
            raise PlatformError(f"{path} should name its module, and does not: another Cython?")
        path.write_text(text.replace('"_cyutility"', f'"{SHARED}"'), encoding="utf-8")
        c_files = {SHARED: str(path)}
        for unit, translated in zip(UNITS, of_units, strict=True):
            for level in LEVELS:
                copy = C_FILES / f"{unit}_{level}.c"  # as the object files lie where their C does
                shutil.copy(translated.sources[0], copy)
                c_files[module(unit, level)] = str(copy)
        return c_files

    def build_extension(self, extension):
        built = Path(self.get_ext_fullpath(extension.name))
        digest = None if self.force else self._digest(extension)
        before = BUILT_BEFORE / f"{built.name}-{digest}"
        if digest and before.exists():
            built.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(before, built)
            return
        super().build_extension(extension)
        if digest:
            BUILT_BEFORE.mkdir(parents=True, exist_ok=True)
            for older in BUILT_BEFORE.glob(f"{built.name}-*"):
                older.unlink(missing_ok=True)
            half = before.with_name(f"{before.name}.{os.getpid()}")
            shutil.copy(built, half)
            half.replace(before)  # whole, or not there

    def _digest(self, extension: Extension) -> str | None:
        """Of all that a module is made from; None where that is not known."""
        compiler = vars(self.compiler)
        if not compiler.get("compiler_so"):
            return None
        version = subprocess.run([*compiler["compiler_so"], "--version"], capture_output=True)
        parts = (
            compiler["compiler_so"], compiler.get("linker_so"), version.stdout, self.include_dirs,
            extension.extra_compile_args, extension.extra_link_args, extension.define_macros,
            importlib.metadata.version("numpy"), os.environ.get("MACOSX_DEPLOYMENT_TARGET"),
        )  # fmt: skip
        content = Path(extension.sources[0]).read_bytes()
        return hashlib.sha256(content + repr(parts).encode()).hexdigest()[:16]

    def _knows(self, compiler: str, flags: list[str]) -> bool:
        empty = [compiler, *flags, "-Werror", "-x", "c", "-c", os.devnull, "-o", os.devnull]
        return subprocess.run(empty, stderr=subprocess.DEVNULL).returncode == 0


if __name__ == "__main__":  # not in the processes that translate
    setup(
        ext_modules=[
            *(
                Extension(
                    module(unit, level),
                    [f"src_cython/{unit}.pyx"],
                    # What Python calls at import has the module's name, and the C has the unit's.
                    define_macros=[(f"PyInit__{unit}", f"PyInit__{unit}_{level}")],
                    extra_compile_args=FLAGS + flags,
                )
                for unit in UNITS
                for level, flags in LEVELS.items()
                if (level in WANTED and unit not in ONCE)
                # What serves all levels, and tells the CPU.
                or (level == "baseline" and unit in ("data", *ONCE))
            ),
            # Cython makes its C, but a module must have a source.
            Extension(SHARED, ["src_cython/data.pyx"], extra_compile_args=SHARED_FLAGS),
        ],
        cmdclass={"build_ext": BuildKernels},
    )
