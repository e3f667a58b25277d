# make demo   run the five tasks on the sample head with the bundled weights
# make test   run the whole test suite
# make test-slicer   run the tests of the Slicer modules alone, with Slicer's own Python version and no torch
# make lint   check the style, and the modules against the API of every supported Slicer
# make benchmark   time the prediction; benchmarks/ has one for the generator, training, and the modules in Slicer
# Needs Python 3.10 or newer; everything else goes into .venv.

PYTHON ?= python3
SLICER_PYTHON ?= python3.12
SLICER_TESTS ?= Testing/Slicer
PARALLEL ?= -n auto --maxprocesses 4 --dist loadfile
SAMPLE ?= Resources/SampleData/head_T1w.nii.gz
OUTPUT ?= demo-output

ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
SLICER_BIN := .venv-slicer/Scripts
else
BIN := .venv/bin
SLICER_BIN := .venv-slicer/bin
endif

INSTALLED := .venv/installed
SLICER_INSTALLED := .venv-slicer/installed
PIP_INSTALL := -m pip install --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-slicer lint benchmark clean

# slicer-core has no wheels for every Python and system: where it can not be installed, its tests are skipped.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python $(PIP_INSTALL) -e ".[surfaces,test]"
	-$(BIN)/python $(PIP_INSTALL) -e ".[slicer]"
	$(BIN)/python -c "open('$(INSTALLED)', 'w').close()"

$(SLICER_INSTALLED): pyproject.toml constraints.txt
	$(SLICER_PYTHON) -m venv .venv-slicer
	$(SLICER_BIN)/python $(PIP_INSTALL) slicer-core PySide6-Essentials packaging pytest pytest-timeout pytest-xdist
	$(SLICER_BIN)/python -c "open('$(SLICER_INSTALLED)', 'w').close()"

demo: $(INSTALLED)
	$(BIN)/brainfm predict $(SAMPLE) -o $(OUTPUT) --surfaces --overwrite

# The modules under test are those that CMake installs, where CMake is. Files of tests run side by side, each in one
# thread: two threads of PyTorch in each would wait for each other.
test test-slicer: export BRAINFM_TREE ?= installed
test test-slicer: export OMP_NUM_THREADS ?= 1

test: $(INSTALLED)
	$(BIN)/python -m pytest $(PARALLEL)

test-slicer: $(SLICER_INSTALLED)
	$(SLICER_BIN)/python -m pytest $(PARALLEL) $(SLICER_TESTS)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python Testing/Slicer/api_lint.py

benchmark: $(INSTALLED)
	$(BIN)/python benchmarks/inference.py

clean:
	$(PYTHON) -c "import shutil; [shutil.rmtree(p, ignore_errors=True) for p in ('.venv', '.venv-slicer', '$(OUTPUT)')]"
