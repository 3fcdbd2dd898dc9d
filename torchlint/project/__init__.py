"""The files of a project and what their names mean: outlines, class index, resolution across files."""
