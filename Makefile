# Everything starts from a clone, python3 (3.11 or newer) and make: the targets install what they need into .venv.
.PHONY: help demo serve test proof bench check format schema languages screenshots lock clean
PYTHON_IN = .venv/bin/python

help: ## show this
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-12s%s\n", $$1, $$2 }' Makefile

demo: ## run Holdfast with a demo clinic (HOLDFAST_PORT, HOLDFAST_DATA_DIR choose where)
	@scripts/bootstrap
	@scripts/build-frontend
	@$(PYTHON_IN) -m holdfast demo

serve: ## run Holdfast on your own data
	@scripts/bootstrap
	@scripts/build-frontend
	@$(PYTHON_IN) -m holdfast serve

test: ## run the tests (ARGS="-k name" chooses)
	@scripts/bootstrap requirements-test.lock
	@scripts/build-frontend
	@scripts/test-tools
	$(PYTHON_IN) -m pytest -n auto $(ARGS)

FULL_SIZE = HOLDFAST_FULL_SIZE=1 HOLDFAST_R1_ATTEMPTS=100000 HOLDFAST_R2_RUNS=200 HOLDFAST_R3_ROUNDS=2000 HOLDFAST_R5_REQUESTS=16667 \
	HOLDFAST_R7_KILLS=60 HOLDFAST_ORACLE_CASES=10000 HOLDFAST_AGREEMENT_RUNS=100
PROOFS = tests/safety/test_r1_no_double_booking.py tests/safety/test_r2_model.py tests/safety/test_r3_one_winner.py \
	tests/safety/test_r5_idempotency.py tests/safety/test_r7_lost_commit.py tests/availability/test_oracle.py \
	tests/rules/test_agreement_machine.py tests/rules/test_agreement.py tests/visits/test_agreement.py \
	tests/insight/test_large_calendars.py

proof: ## the tests of what must never happen, at full size: 100,000 bookings, 50,000 requests … (takes hours)
	@scripts/bootstrap requirements-test.lock
	@scripts/test-tools
	$(FULL_SIZE) $(PYTHON_IN) -m pytest -n 2 --durations=0 $(or $(ARGS),$(PROOFS))

bench: ## measure the marks, side by side in one run, and write bench.json (ARGS="wal" chooses)
	@scripts/bootstrap requirements-test.lock
	@scripts/test-tools
	$(PYTHON_IN) -m bench $(ARGS)

check: ## look for mistakes without running: style, types, layers, locks
	@scripts/bootstrap requirements-test.lock
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy --strict
	.venv/bin/mypy --strict bench scripts
	.venv/bin/lint-imports
	scripts/check-locks

format: ## format the code
	@scripts/bootstrap requirements-test.lock
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

schema: ## write db/schema.sql, for reading, from the migrations
	@scripts/bootstrap
	PYTHONPATH=. $(PYTHON_IN) scripts/dump_schema.py

languages: ## what each language of the pages does not say yet (ARGS="de" begins or fills up that one)
	@scripts/bootstrap
	PYTHONPATH=src:. $(PYTHON_IN) scripts/languages.py $(ARGS)

screenshots: ## make the pictures of README and docs from a demo (ARGS="--all FOLDER" makes every page, to look at)
	@scripts/bootstrap requirements-test.lock
	@scripts/build-frontend
	@scripts/test-tools
	PYTHONPATH=src $(PYTHON_IN) scripts/screenshots $(ARGS)

lock: ## take the newest dependencies that fit, and lock them by hash
	@scripts/bootstrap requirements-test.lock
	scripts/lock

clean: ## remove what was installed and built; data stays
	rm -rf frontend/node_modules src/holdfast/web/dist
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
