"""From the fixes of findings to repaired files: edits on the text, checked again after every round."""
