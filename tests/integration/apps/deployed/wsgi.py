"""The module that names the app for WSGI servers."""

from shop.factory import create_app

server = application = create_app().server
