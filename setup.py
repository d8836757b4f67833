"""Builds the kernels, once per CPU level; everything else stands in pyproject.toml.

Each unit of src_cython/ is translated to C once, and its C is compiled for each level. What was
built from the same C before, by the same compiler with the same flags, is taken from build/kernels.

FASTNN_DEBUG=1 turns Cython's checks of bounds, overflow and initialisation on; FASTNN_LEVELS=avx2,
or baseline, builds the kernels of that level alone, for tests.
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
MSVC = platform.system() == "Windows"
X86_64 = platform.machine() in ("x86_64", "AMD64")

UNITS = ("training", "prediction", "data")  # the longest to compile first
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
    LEVELS = {"avx2": ["/arch:AVX2"], "baseline": []}
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
    LEVELS = {"avx2": ["-march=x86-64-v3"], "baseline": []}
# For those who know it: GCC would make memcpy and memset of loops over a few registers.
FLAGS_OF_GCC = ["-fno-tree-loop-distribute-patterns"]
if not X86_64:
    del LEVELS["avx2"]
LEVELS = dict(reversed(LEVELS.items()))  # baseline, where vectors become many, takes longer
WANTED = os.environ.get("FASTNN_LEVELS", "avx2 baseline").split()


def module(unit: str, level: str) -> str:
    return f"fastnn._core._{unit}_{level}"


class BuildKernels(build_ext):
    """Translates the units, and compiles their levels side by side."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

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
            extension.define_macros = [("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")]
            if knows and extension.name != SHARED:
                extension.extra_compile_args += FLAGS_OF_GCC
        super().build_extensions()

    def _translate(self) -> dict[str, str]:
        """The C file of each module; those of a unit differ in its name alone."""
        from Cython.Build import cythonize

        units = [Extension(module(unit, "LEVEL"), [f"src_cython/{unit}.pyx"]) for unit in UNITS]
        *of_units, shared = cythonize(
            [*units, Extension(SHARED, [])],
            build_dir=str(C_FILES),
            include_path=["src_cython"],
            compiler_directives=DIRECTIVES,
            shared_utility_qualified_name=SHARED,
            nthreads=self.parallel,
            force=True,  # a copied source may be newer than its date says
        )
        c_files = {SHARED: shared.sources[0]}
        path = Path(shared.sources[0])
        in_package = path.read_text(encoding="utf-8").replace('"_cyutility"', f'"{SHARED}"')
        path.write_text(in_package, encoding="utf-8")  # else sys.modules gets it as it stands
        for unit, translated in zip(UNITS, of_units, strict=True):
            text = Path(translated.sources[0]).read_text(encoding="utf-8")
            for level in LEVELS:
                path = C_FILES / f"{unit}_{level}.c"
                path.write_text(text.replace(f"{unit}_LEVEL", f"{unit}_{level}"), encoding="utf-8")
                c_files[module(unit, level)] = str(path)
        return c_files

    def build_extension(self, extension):
        built = Path(self.get_ext_fullpath(extension.name))
        before = BUILT_BEFORE / f"{built.name}-{self._digest(extension)}"
        if before.exists():
            built.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(before, built)
            return
        super().build_extension(extension)
        BUILT_BEFORE.mkdir(parents=True, exist_ok=True)
        for older in BUILT_BEFORE.glob(f"{built.name}-*"):
            older.unlink()
        shutil.copy(built, before)

    def _digest(self, extension: Extension) -> str:
        """Of all that a module is made from."""
        commands = [vars(self.compiler).get(name) for name in ("compiler_so", "linker_so")]
        version = ""
        if commands[0]:
            version = subprocess.run([commands[0][0], "--version"], capture_output=True).stdout
        numpy_version = importlib.metadata.version("numpy")
        parts = commands, version, extension.extra_compile_args, numpy_version
        content = Path(extension.sources[0]).read_bytes()
        return hashlib.sha256(content + repr(parts).encode()).hexdigest()[:16]

    def _knows(self, compiler: str, flags: list[str]) -> bool:
        empty = [compiler, *flags, "-Werror", "-x", "c", "-c", os.devnull, "-o", os.devnull]
        return subprocess.run(empty, stderr=subprocess.DEVNULL).returncode == 0


setup(
    ext_modules=[
        *(
            Extension(
                module(unit, level), [f"src_cython/{unit}.pyx"], extra_compile_args=FLAGS + flags
            )
            for unit in UNITS
            for level, flags in LEVELS.items()
            if level in WANTED or (unit, level) == ("data", "baseline")  # which tells the CPU
        ),
        Extension(SHARED, ["src_cython/data.pyx"], extra_compile_args=SHARED_FLAGS),
    ],
    cmdclass={"build_ext": BuildKernels},
)
