"""Analysis documents, the writer to Tiled, and the spool on disk."""
