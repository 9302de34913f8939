"""A script that starts a job from code, as cron would: ``from_code.py NAME VALUE``."""

import importlib
import json
import sys
from typing import Any

tasks_app: Any = importlib.import_module("tasks_app")

# Not under if __name__ == "__main__": the dispatcher imports this file, up to here.
name, value = sys.argv[1], json.loads(sys.argv[2])
function = getattr(tasks_app, name)
with tasks_app.server.test_request_context():  # the functions of cache_by ask for it
    job = tasks_app.manager.start(function, value, user="script")
print(json.dumps([job.id, job.result(40)]))
