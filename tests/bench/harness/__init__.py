"""Parts of the benchmark: run (beside this folder) puts them together."""
