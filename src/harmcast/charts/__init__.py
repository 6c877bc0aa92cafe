"""One kit of pictures: SVG made on the server, no script, no inline style, meaning never on colour alone."""
