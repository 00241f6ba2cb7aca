"""Lambda functions: the code of their packages, run in processes of this machine with Lambda's contract."""
