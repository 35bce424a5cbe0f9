"""Builds the wheel: the package's text and libgradus.so, nothing compiled of its own.

The library is the one that GRADUS_LIBRARY names, or that of the tree's build folder, which is made where it is not there. Nothing is fetched.
"""

import base64
import hashlib
import os
import platform
import re
import subprocess
import zipfile
from pathlib import Path

here = Path(__file__).resolve().parent
tree = here.parent


def version():
    return re.search(r"version: '([0-9.]+)'", (tree / "meson.build").read_text()).group(1)


def library():
    named = os.environ.get("GRADUS_LIBRARY")
    if named:
        if not Path(named).is_file():
            raise SystemExit(f"GRADUS_LIBRARY: there is no file {named}")
        return Path(named)
    built = tree / "build" / f"libgradus.so.{version()}"
    if not built.exists():
        build = tree / "build"
        if not (build / "build.ninja").exists():
            subprocess.run(["meson", "setup", str(build), str(tree)], check=True)
        subprocess.run(["ninja", "-C", str(build), built.name], check=True)
    return built


def metadata():
    return f"Metadata-Version: 2.1\nName: gradus\nVersion: {version()}\nSummary: Trains neural networks, repeatable to the bit\nRequires-Python: >=3.9\nRequires-Dist: numpy\n"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    tag = f"py3-none-linux_{platform.machine()}"
    info = f"gradus-{version()}.dist-info"
    files = {f"gradus/{p.name}": p.read_bytes() for p in sorted((here / "gradus").glob("*.py"))}
    files["gradus/libgradus.so"] = library().read_bytes()
    files[f"{info}/METADATA"] = metadata().encode()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: gradus\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    record = ""
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(data)}\n"
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    name = f"gradus-{version()}-{tag}.whl"
    with zipfile.ZipFile(Path(wheel_directory) / name, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, data in files.items():
            wheel.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return name


def build_sdist(sdist_directory, config_settings=None):
    raise SystemExit("the package is built within the tree of Gradus: pip install ./python, or ./dev wheel")
