"""Read models: frozen values that the pages show, and the functions that make them."""
