"""Speed side by side with the libraries that a user would pick, as ratios within one run.

`python -m benchmarks.hashing` and so on; `pip install -c constraints.txt -e '.[bench]'` brings the
libraries that are measured against. None of this runs in the tests: they never depend on timing.
"""
