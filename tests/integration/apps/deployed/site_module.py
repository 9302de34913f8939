"""A module that makes its app: one callback at the top level, one in a function."""

import os
import secrets
import socket
import threading
from typing import Any

import flask
from dash import Input, Output, html
from site_manager import make_manager

import dash_long_components as dash

manager = make_manager()
#: Releases of Dash before 4.2 don't know the argument.
backend: Any = {"backend": os.environ["BACKEND"]} if "BACKEND" in os.environ else {}
app = dash.Dash(__name__, **backend, long_callback_manager=manager)
server = application = app.server
if not backend:
    server.secret_key = secrets.token_hex()  # another one in every process
app.layout = html.Div(
    [html.P(id=name) for name in ("top", "nested", "prepared", "rows")]
)


@app.long_callback(Output("top", "children"), Input("top-in", "value"))
def top(value: object) -> object:
    return value


#: A connection to the test, which every job inherits.
connection = None
if "CONNECT" in os.environ:
    connection = socket.create_connection(("127.0.0.1", int(os.environ["CONNECT"])))

prepared_by = None


@manager.worker_init
def prepare() -> None:
    global prepared_by
    name = "of another backend" if backend else flask.current_app.name
    prepared_by = (os.getpid(), name)


@app.long_callback(Output("prepared", "children"), Input("prepared-in", "value"))
def prepared(_value: object) -> bool:
    name = "of another backend" if backend else app.server.name
    return prepared_by == (os.getpid(), name)


def add_rows() -> None:
    """Add a callback that uses Flask-SQLAlchemy, which looks for Flask's context."""
    from flask_sqlalchemy import SQLAlchemy

    path = os.path.abspath("rows.db")
    server.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{path}"
    db = SQLAlchemy(server)
    table = db.Table("row", db.Column("id", db.Integer, primary_key=True))

    @app.long_callback(Output("rows", "children"), Input("rows-in", "value"))
    def rows(_value: object) -> int:
        db.create_all()
        db.session.execute(table.insert())
        db.session.commit()
        return db.session.query(table).count()


if "ROWS" in os.environ:
    add_rows()


def add_nested() -> None:
    lock = threading.Lock()

    @app.long_callback(Output("nested", "children"), Input("nested-in", "value"))
    def nested(value: object) -> object:
        with lock:
            return value


add_nested()

if __name__ == "__main__":
    app.run(port=os.environ["PORT"])
