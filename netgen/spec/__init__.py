"""The spec: YAML in, one frozen and fully checked value out."""
