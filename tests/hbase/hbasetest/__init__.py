"""Real HBase clusters and their judge, for the tests of this folder."""
