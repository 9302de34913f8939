"""A worker with a Celery object of its own, which imports the app."""

import importlib
import json
import os

from celery import Celery

celery_app = Celery(__name__)
celery_app.conf.update(json.loads(os.environ["SETTINGS"])["celery"])
importlib.import_module("tasks_app")
