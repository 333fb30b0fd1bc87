"""The placer used alone: read a graph from a file, place it, and prove how good the placement is."""

from netgen.graph.graph import Graph, graph_of
from netgen.graph.place import grid_of, place_graph
from netgen.graph.placed import PlacedGraph, read_start
from netgen.graph.read import read_graph

__all__ = ["Graph", "PlacedGraph", "graph_of", "grid_of", "place_graph", "read_graph", "read_start"]
