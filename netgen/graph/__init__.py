"""The placer used alone: graphs from files, placed."""
