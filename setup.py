"""Builds the kernels, once per CPU level; everything else stands in pyproject.toml.

FASTNN_DEBUG=1 turns Cython's checks of bounds, overflow and initialisation on.
"""

import os
import platform
import shutil
import subprocess

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import PlatformError

DEBUG = os.environ.get("FASTNN_DEBUG") == "1"
MSVC = platform.system() == "Windows"
X86_64 = platform.machine() in ("x86_64", "AMD64")

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
    LEVELS = {"baseline": [], "avx2": ["/arch:AVX2"]}
else:
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
    LEVELS = {"baseline": [], "avx2": ["-march=x86-64-v3"]}
# For those who know it: GCC would make memcpy and memset of loops over a few registers.
FLAGS_OF_GCC = ["-fno-tree-loop-distribute-patterns"]
if not X86_64:
    del LEVELS["avx2"]


def kernels(level: str, level_flags: list[str]) -> list[Extension]:
    extension = Extension(
        f"fastnn._kernels_{level}",
        ["src_cython/kernels.pyx"],
        include_dirs=[numpy.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
        extra_compile_args=FLAGS + level_flags,
    )
    return cythonize(
        extension,
        build_dir=f"build/cython/{level}{'-debug' if DEBUG else ''}",
        include_path=["src_cython"],
        compiler_directives=DIRECTIVES,
        force=True,  # a copied source may be newer than its date says
    )


class BuildLevels(build_ext):
    """Compiles the levels side by side, and says so where there is no compiler."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or len(LEVELS)
        self.force = True  # what was built before may have been built with other flags

    def build_extensions(self):
        command = getattr(self.compiler, "compiler", None)
        if command and not shutil.which(command[0]):
            raise PlatformError(
                f"building fastnn needs a C compiler, and {command[0]!r} was not found: "
                "install one (Debian, Ubuntu: apt install gcc; macOS: xcode-select --install; "
                "Windows: Visual Studio Build Tools) or set the environment variable CC to yours"
            )
        if command and not MSVC and self._knows(command[0], FLAGS_OF_GCC):
            for extension in self.extensions:
                extension.extra_compile_args += FLAGS_OF_GCC
        super().build_extensions()

    def _knows(self, compiler: str, flags: list[str]) -> bool:
        empty = [compiler, *flags, "-Werror", "-x", "c", "-c", os.devnull, "-o", os.devnull]
        return subprocess.run(empty, stderr=subprocess.DEVNULL).returncode == 0


setup(
    ext_modules=[
        extension for level, flags in LEVELS.items() for extension in kernels(level, flags)
    ],
    cmdclass={"build_ext": BuildLevels},
)
