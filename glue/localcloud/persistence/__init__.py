"""What is kept over a restart: a journal of requests that can be repeated."""
