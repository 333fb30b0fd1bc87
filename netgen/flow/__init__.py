"""The order of the stages, and what is kept on disk between them."""
