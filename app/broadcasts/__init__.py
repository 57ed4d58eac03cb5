"""One update to many supporters, each of whom said yes to its sender."""
