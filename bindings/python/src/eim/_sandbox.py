"""The sandbox as a process: ``python _sandbox.py EXTENSION [arguments of eim-sandbox]``.

Only the extension is loaded, by its path: no site packages, nothing of the rest of ``eim``.
"""

import importlib.util
import sys


def main() -> int:
    """Runs until SIGINT or SIGTERM."""
    spec = importlib.util.spec_from_file_location("_eim", sys.argv[1])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    status: int = module.eim_py_sandbox_main(["eim-sandbox", *sys.argv[2:]])
    return status


if __name__ == "__main__":
    sys.exit(main())
