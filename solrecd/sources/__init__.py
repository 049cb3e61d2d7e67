"""Where the bytes of consoles come from: one file or folder for each kind."""
