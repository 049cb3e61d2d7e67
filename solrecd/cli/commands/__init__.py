"""One file for each command of `solrecd` and `solrecctl`."""
