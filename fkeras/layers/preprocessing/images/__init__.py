"""Images, and with them labels, boxes and masks: resized, cut, and changed at random."""
