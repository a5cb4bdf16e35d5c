from holdfast.cli.main import run

run()
