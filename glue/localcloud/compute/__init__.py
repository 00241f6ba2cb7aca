"""What an endpoint's instances are made of: images, model data, processes, their logs and their end."""
