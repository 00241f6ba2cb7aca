"""Terraform: found, run through python-terraform, and its plans read."""
