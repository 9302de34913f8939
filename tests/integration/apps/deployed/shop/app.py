"""The app: ``python -m shop.app``."""

import os

from .factory import create_app

app = create_app()
server = app.server

if __name__ == "__main__":
    app.run(port=os.environ["PORT"])
