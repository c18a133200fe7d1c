"""
The integration tests.

    pytest tests/integration --build-dir build/dev
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

pytest_plugins = ["sluicetest.fixtures"]
