"""From data to a circuit, step by step: what builds and experiments both do."""
