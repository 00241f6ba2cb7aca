"""Application Auto Scaling: policies that are decided and done."""
