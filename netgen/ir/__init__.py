"""The nouns of the network: number formats, networks, circuits, netlists, grids and the regions on them."""
