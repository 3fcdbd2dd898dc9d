"""What earlier runs found, and what that depends on, so that a file is checked again only where it must be."""
