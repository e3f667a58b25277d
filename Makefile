# make demo   run the five tasks on the sample head with the bundled weights
# make test   run the whole test suite
# make lint   check the style
# make benchmark   time the prediction; benchmarks/generator.py and benchmarks/training.py time the rest
# Needs Python 3.10 or newer; everything else goes into .venv.

PYTHON ?= python3
SAMPLE ?= Resources/SampleData/head_T1w.nii.gz
OUTPUT ?= demo-output

ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif

INSTALLED := .venv/installed

.PHONY: demo test lint benchmark clean

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[surfaces,test]"
	$(BIN)/python -c "open('$(INSTALLED)', 'w').close()"

demo: $(INSTALLED)
	$(BIN)/brainfm predict $(SAMPLE) -o $(OUTPUT) --surfaces --overwrite

test: $(INSTALLED)
	$(BIN)/python -m pytest

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

benchmark: $(INSTALLED)
	$(BIN)/python benchmarks/inference.py

clean:
	$(PYTHON) -c "import shutil; [shutil.rmtree(p, ignore_errors=True) for p in ('.venv', '$(OUTPUT)')]"
