"""Where servers look for the app that the package makes."""

from shop.factory import create_app

server = application = create_app().server
