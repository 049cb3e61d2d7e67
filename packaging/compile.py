"""Compiles the modules that see every packet, with mypyc: a build hook of hatchling.

It does so where a C compiler and Python's headers are at hand. ``SOLRECD_BUILD=pure``
has a wheel be Python alone all the same, ``SOLRECD_BUILD=compiled`` has a build fail
that cannot compile. A wheel holds the same source in any case; compiled modules lie
beside it and are what Python imports.

An editable installation is never compiled: it would go on running what was compiled
before, whatever is edited. That is also why hatch-mypyc (0.16.0) is not used: it moves
pyproject.toml aside while it builds, which breaks what reads it meanwhile, and it
leaves compiled modules in the checkout, where an editable installation would silently
import them instead of the source.
"""

from __future__ import annotations

import io
import os
import shutil
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_CHOICES = ("compiled", "pure")

_MYPY = (
    "--config-file=",  # `make check` is strict; here types only have to be understood,
    "--ignore-missing-imports",  # whatever versions of libraries are installed, if any
    "--follow-imports=silent",
    "--explicit-package-bases",
)


def can_compile() -> bool:
    """Whether there are a C compiler and the headers of the Python that runs this."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
    header = Path(sysconfig.get_path("include"), "Python.h")
    return shutil.which(compiler[0]) is not None and header.is_file()


class CompiledModules(BuildHookInterface):  # type: ignore[misc] # no types
    """Adds compiled modules to a wheel; pyproject.toml names them as ``modules``."""

    def dependencies(self) -> list[str]:
        """Return what has to be installed to build."""
        return list(self.config["compiler"]) if self._is_wanted else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the wheel is put together."""
        if version == "editable" or not self._is_wanted:
            return
        self._folder = Path(tempfile.mkdtemp(prefix="solrecd-compile-"))
        for path in self._compile():
            build_data["force_include"][path] = os.path.relpath(
                path, self._folder / "lib"
            )
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(
        self,
        version: str,  # noqa: ARG002 - the interface has it
        build_data: dict[str, Any],  # noqa: ARG002
        artifact_path: str,  # noqa: ARG002
    ) -> None:
        """Leave nothing behind."""
        if hasattr(self, "_folder"):
            shutil.rmtree(self._folder)

    @property
    def _is_wanted(self) -> bool:
        choice = os.environ.get("SOLRECD_BUILD")
        if not choice:
            return can_compile()
        if choice not in _CHOICES:
            raise ValueError(f"SOLRECD_BUILD={choice}: either compiled or pure")
        return choice == "compiled"

    @property
    def _modules(self) -> list[str]:
        """Paths, without what only makes a folder a package."""
        return sorted(
            str(path.relative_to(self.root))
            for pattern in self.config["modules"]
            for path in Path(self.root).glob(pattern)
            if path.name != "__init__.py"
        )

    def _compile(self) -> list[str]:
        """Return the paths of the compiled modules, below ``lib``."""
        # Installed for the build alone, and only where it compiles.
        from mypyc.build import mypycify  # noqa: PLC0415
        from setuptools import Distribution  # noqa: PLC0415
        from setuptools.command.build_ext import build_ext  # noqa: PLC0415

        with redirect_stdout(io.StringIO()) as said:
            extensions = mypycify(
                [*_MYPY, f"--cache-dir={self._folder}/cache", *self._modules],
                target_dir=str(self._folder / "c"),
                group_name="solrecd",
                opt_level="2",
                debug_level="0",  # it would name this folder
                multi_file=True,
            )
        for extension in extensions:
            # The same bytes each time: nothing may name this build's folder.
            extension.extra_compile_args.append(f"-ffile-prefix-map={self._folder}=.")
        # It warns of what it understands otherwise than Python does: generators that
        # it makes lists of.
        if " warning: " in said.getvalue():
            raise ValueError(f"mypyc changes what this means:\n{said.getvalue()}")
        command = build_ext(Distribution({"ext_modules": extensions}))
        command.build_lib = str(self._folder / "lib")
        command.build_temp = str(self._folder / "tmp")
        command.ensure_finalized()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            _compile_files_beside_each_other(command, pool)
            command.run()
        return list(command.get_outputs())


def _compile_files_beside_each_other(command: Any, pool: ThreadPoolExecutor) -> None:
    """Have all processors compile; setuptools would take one file after the other."""
    build_extensions = command.build_extensions

    def build() -> None:
        compile_one_by_one = command.compiler.compile

        def compile_files(sources: list[str], **options: Any) -> list[str]:
            compiled = pool.map(
                lambda source: compile_one_by_one([source], **options), sources
            )
            return [path for paths in compiled for path in paths]

        command.compiler.compile = compile_files
        build_extensions()

    command.build_extensions = build
