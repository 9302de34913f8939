"""Long callbacks for every way in which a job can live and end.

Its settings come from the environment: ``SETTINGS`` holds the manager's as JSON, and
those of Celery for the Celery manager; ``DEBUG`` switches the debug mode on.
``cache_by`` among the manager's is the name of a cookie, by whose value it caches, and
``users`` that of one whose value is the user.
"""

import ctypes
import importlib
import itertools
import json
import logging
import multiprocessing
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar, copy_context
from pathlib import Path
from typing import Any
from uuid import uuid4

import diskcache
from dash import Input, Output, Patch, ctx, html, no_update, set_props
from dash.exceptions import PreventUpdate
from flask import request

import dash_long_components as dash
from dash_long_components import (
    CeleryLongCallbackManager,
    DiskcacheLongCallbackManager,
    LongCallbackManager,
    current_job,
)
from dash_long_components.core import app_origin
from dash_long_components.testing import MemoryLongCallbackManager

settings = json.loads(os.environ.get("SETTINGS", "{}"))
users: str | None = settings.pop("users", None)
if "cache_by" in settings:
    cookie = settings["cache_by"]
    settings["cache_by"] = lambda: cookies().get(cookie)
    cache = diskcache.Cache("./cache")
else:
    # So small that it keeps nothing.
    cache = diskcache.Cache("./cache", size_limit=1000, cull_limit=1000)
if "IMPORT_NUMPY" in os.environ:
    import numpy.random
manager: LongCallbackManager
if "celery" in settings:
    from celery import Celery

    celery_app = Celery(__name__)
    celery_app.conf.update(settings.pop("celery"))
    manager = CeleryLongCallbackManager(celery_app, **settings)
elif "memory" in settings:
    manager = MemoryLongCallbackManager(**settings.pop("memory"), **settings)
else:
    manager = DiskcacheLongCallbackManager(cache, **settings)
#: Releases of Dash before 4.2 don't know the argument.
backend: Any = {"backend": os.environ["BACKEND"]} if "BACKEND" in os.environ else {}
app = dash.Dash(
    __name__,
    **backend,
    long_callback_manager=manager,
    long_callback_user=(lambda: cookies().get(users)) if users else None,
)
server = app.server
print(f"imported in {os.getpid()}", flush=True)

#: The modules that the process which forked this one had imported.
before_fork: set[str] = set()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: before_fork.update(sys.modules))

NAMES = [
    *("echo", "nap", "stamp", "hold", "family", "end", "draw", "count", "ask"),
    *("evict", "version", "big", "say", "replace", "ignore", "queue", "busy"),
    *("until", "gil", "tenant", "myself", "imports"),
    *("urgent", "single", "fair", "side", "elsewhere", "alone"),
    *("brief", "brief-busy", "grace", "brief-grace", "leave"),
    *(
        "loop",
        "stream",
        "steps",
        "endless",
        "late",
        "attempts",
        "patient",
        "saved",
        "chaos",
        "chaos-group",
        "stepwise",
        "stepwise-again",
        "parts",
        "workflow",
        "confirm",
        "confirm-on",
    ),
]
app.layout = html.Div(
    [html.Div([html.P(id=name), html.P(id=f"{name}-in")]) for name in NAMES]
)


def long_callback(name: str, **options: Any) -> Callable[[Any], Any]:
    return app.long_callback(
        Output(name, "children"), Input(f"{name}-in", "value"), **options
    )


def stop_in_a_write(*_: object) -> None:
    """Stop this process while it keeps all others from writing to the job store."""
    store = Path(cache.directory, "long-jobs", "jobs.cache.db")
    sqlite3.connect(store, isolation_level=None).execute("BEGIN IMMEDIATE")
    os.kill(os.getpid(), signal.SIGSTOP)


if app_origin.is_making_again() and os.path.exists("crash"):
    os._exit(5)
if app_origin.is_making_again() and os.path.exists("hang"):
    hang = Path("hang").read_text()
    os.remove("hang")
    if hang == "stopped":
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        time.sleep(600)


if threading.current_thread() is threading.main_thread():
    # Neither Celery nor a server uses it. A dispatcher and its workers have it too.
    signal.signal(signal.SIGVTALRM, stop_in_a_write)


def write(path: str, text: str) -> None:
    """Write a file whole or not at all."""
    Path(f"{path}.part").write_text(text)
    os.replace(f"{path}.part", path)


tenant: ContextVar[str] = ContextVar("tenant", default="none")


def cookies() -> Any:
    """Return the cookies of the present request, on any backend."""
    return app.backend.request_adapter().cookies if backend else request.cookies


def prepare() -> None:
    """Keep the tenant of a request where any function finds it.

    And let a page say for how long its results are kept, and then are shown.
    """
    if "tenant" in cookies():
        tenant.set(cookies()["tenant"])
    manager.expire = float(cookies().get("expire", 0)) or None
    manager.stale_for = float(cookies().get("stale_for", 0)) or None


async def prepare_here() -> None:
    """Prepare in the context of the request: Quart runs other functions in threads."""
    prepare()


if backend:
    app.backend.before_request(prepare_here)
else:
    server.before_request(prepare)


@app.callback(Output("late", "children"), Input("late-in", "value"))
def import_late(module: str) -> str:
    """Import a module in the server's process, as few processes do."""
    importlib.import_module(module)
    return module


@long_callback("imports")
def imports(_value: object) -> list[str]:
    """Return the modules that this process has imported for the job."""
    return sorted(set(sys.modules) - before_fork)


@long_callback("tenant")
def ask_for_tenant(_value: object) -> str:
    return tenant.get()


@long_callback(
    "attempts", retries=3, retry_on=(ConnectionError, "lost"), backoff=(0.01, 0.01)
)
def attempts(value: dict[str, Any]) -> list[int]:
    """End each attempt in its own way."""
    job = current_job()
    with open(value["name"], "a") as ledger:
        ledger.write(f"{job.attempt}\n")
    job.log(f"in attempt {job.attempt}")
    match value["ways"][job.attempt - 1]:
        case "ConnectionError":
            raise ConnectionError("refused")
        case "KeyError":
            raise KeyError("no connection")
        case "retry":
            job.retry("not yet")
        case "SIGKILL":
            os.kill(os.getpid(), signal.SIGKILL)
    return [job.attempt, job.attempts]


@long_callback(
    "saved", retries=2, retry_on=(ConnectionError, "lost"), backoff=(0.01, 0.01)
)
def go_on(value: dict[str, Any]) -> list[Any]:
    """Die in the third of five steps, once, and go on from there."""
    job = current_job()
    before = job.checkpoint
    for number in job.track(range(5), checkpoint=True):
        with open(value["name"], "a") as ledger:
            ledger.write(f"{number}\n")
        if number == 2 and job.attempt == 1:
            if value["how"] == "SIGKILL":
                os.kill(os.getpid(), signal.SIGKILL)
            raise ConnectionError("refused")
    return [job.attempt, before, job.checkpoint]


@long_callback("chaos", retries=500, retry_on="lost", backoff=(0.01, 0.01))
def add_up(value: dict[str, Any]) -> int:
    """Add numbers, one a step. Each step goes to a ledger, with this process."""
    job = current_job()
    state = job.checkpoint or {"done": 0, "sum": 0}
    while state["done"] < value["steps"]:
        number = state["done"]
        with open(value["ledger"], "a") as ledger:
            ledger.write(f"{value['job']} {number} {os.getpid()}\n")
        time.sleep(value["seconds"])
        state = {"done": number + 1, "sum": state["sum"] + number}
        job.save(state)
    return int(state["sum"])


long_callback(
    "chaos-group", retries=500, retry_on="lost", backoff=(0.01, 0.01), concurrency=4
)(add_up)


def step_on(name: str, more: int = 0) -> list[int]:
    """Save a number after each step, until a file says that this is enough."""
    job = current_job()
    number = job.checkpoint or 0
    while not Path(f"{name}.done").exists():
        with open(name, "a") as ledger:
            ledger.write(f"{number} {os.getpid()}\n")
        number += 1
        job.save(number)
        time.sleep(0.02)
    return [job.attempt, number + more]


@long_callback("stepwise", retries=1, retry_on=ConnectionError)
def stepwise(name: str) -> list[int]:
    return step_on(name)


@long_callback(
    "stepwise-again", retries=1, retry_on=ConnectionError, on_new_code="restart"
)
def stepwise_again(name: str) -> list[int]:
    return step_on(name)


@long_callback("patient", retries=1, backoff=600)
def be_patient(name: str) -> None:
    """Fail, and wait for long."""
    with open(name, "a") as ledger:
        ledger.write(f"{current_job().attempt}\n")
    raise ConnectionError("refused")


@long_callback("echo")
def echo(value: object) -> object:
    return value


@long_callback("nap")
def nap(value: object) -> object:
    time.sleep(0.03)
    return value


@long_callback("stamp")
def stamp(_value: object) -> float:
    return time.monotonic()


@long_callback("hold")
def hold(name: str) -> str:
    """Write the pid to the file ``name``, and wait for ``name.go``."""
    write(name, json.dumps(os.getpid()))
    while not os.path.exists(f"{name}.go"):
        time.sleep(0.01)
    return name


# Programs that start at once: a job that is short of time has them all, too.
_SLEEP = ["sleep", "600"]
_PARENT = ["sh", "-c", "sleep 600 & echo $!; wait"]
_DAEMON = ["sh", "-c", "setsid sh -c 'echo $$ >$0; exec sleep 600' \"$0\" &"]
# A daemon without the environment of its job.
_BARE = ["env", "-i", "/bin/sh", "-c", _DAEMON[2]]


@long_callback("family")
def family(value: dict[str, Any]) -> str:
    """Start a child, one in a session of its own, a grandchild and a daemon."""
    name = value["name"]
    child = subprocess.Popen(_SLEEP)
    apart = subprocess.Popen(_SLEEP, start_new_session=True)
    with_child = subprocess.Popen(
        _PARENT, stdout=subprocess.PIPE, start_new_session=True
    )
    assert with_child.stdout is not None
    grandchild = int(with_child.stdout.readline())
    daemon = _start_daemon(_DAEMON, f"{name}.daemon")
    pids = [child.pid, apart.pid, with_child.pid, grandchild, daemon, os.getpid()]
    if value.get("bare"):
        pids.insert(0, _start_daemon(_BARE, f"{name}.bare"))
    write(name, json.dumps(pids))
    if value["then"] == "hold":
        while not os.path.exists(f"{name}.go"):
            time.sleep(0.01)
    if value["then"] in ("return", "hold"):
        return "done"
    if value["then"] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(600)
    return "too late"


def _start_daemon(command: list[str], file: str) -> int:
    """Start a daemon that writes its number to a file, and return the number."""
    subprocess.run([*command, os.path.abspath(file)], check=True)
    while not (os.path.exists(file) and (pid := Path(file).read_text())):
        time.sleep(0.01)
    return int(pid)


@long_callback("end")
def end(how: str) -> object:
    match how:
        case "raise":
            raise KeyError("the missing key")
        case "sys.exit":
            sys.exit(3)
        case "os._exit":
            os._exit(4)
        case "unserialisable":
            return object()
        case "report too much":
            set_props("end-in", {"title": "x" * 16_000_000})
            return "done"
        case "close descriptors" | "report and close descriptors":
            if how.startswith("report"):
                set_props("end-in", {"title": "noted"})
                time.sleep(0.2)  # the report is written
            os.closerange(3, 1024)
            return "done"
        case "return in a fork" | "raise in a fork":
            child = os.fork()
            if child == 0 and how.startswith("raise"):
                raise KeyError("of the child")
            if child == 0:
                return "child"
            os.waitpid(child, 0)
            return "parent"
        case "limit files":
            set_props("end-in", {"title": "about to"})
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            return "done"
        case "limit files for good":
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
            set_props("end-in", {"title": "not written"})
            return "done"
        case _:
            number = signal.Signals[how] if how.startswith("SIG") else int(how)
            os.kill(os.getpid(), number)
            time.sleep(600)
            return None


@long_callback("draw")
def draw(_value: object) -> dict[str, float]:
    """Draw from the generators that a forked process inherits."""
    return {"random": random.random(), "numpy": numpy.random.random()}


@long_callback("count", progress=Output("count", "title"))
def count(set_progress: Callable[[object], None], to: int) -> int:
    for number in range(to + 1):
        set_progress(number)
    return to


@long_callback("ask")
def ask(_value: object) -> dict[str, Any]:
    """Report what the job's process has, and what it was told of the request."""
    threads = os.listdir("/proc/self/task")
    return {
        "pid": os.getpid(),
        "ppid": os.getppid(),
        "threads": len(threads),
        "files": _open_files(),
        "environment": sorted(os.environ),
        "cookies": ctx.cookies,
        "triggered": ctx.triggered_prop_ids,
    }


def _open_files() -> list[str]:
    found = []
    for fd in os.listdir("/proc/self/fd"):
        # That of the folder itself is closed again, and other threads have theirs.
        with suppress(FileNotFoundError):
            found.append(os.readlink(f"/proc/self/fd/{fd}"))
    return found


@long_callback("evict")
def evict(_value: object) -> int:
    """Fill the user's cache so that it evicts all that it may."""
    for number in range(50):
        cache.set(number, "x" * 1000)
    cache.cull()
    cache.clear()
    cache.check(fix=True)
    return len(cache)


@long_callback("big")
def big(size: int) -> str:
    return "ä" * size


@long_callback("say")
def say(texts: list[str]) -> None:
    """Set a property of a component that is no Output, again and again."""
    for text in texts:
        set_props("say-in", {"title": text})


def hold_in_lane(name: str) -> str:
    return str(hold(name))


for retrigger in ("replace", "ignore", "queue"):
    long_callback(retrigger, on_retrigger=retrigger)(hold_in_lane)


@long_callback("busy", progress=Output("busy", "title"))
def busy(set_progress: Callable[[object], None], name: str) -> None:
    """Report without end."""
    write(name, json.dumps(os.getpid()))
    number = 0
    while True:
        set_progress(number := number + 1)
        time.sleep(0.05)


long_callback("brief-busy", progress=Output("brief-busy", "title"), timeout=1.0)(busy)


@long_callback("until", progress=Output("until", "title"))
def until(set_progress: Callable[[object], None], name: str) -> str:
    """Report until there is ``name.go``."""
    write(name, json.dumps(os.getpid()))
    while not os.path.exists(f"{name}.go"):
        set_progress(time.monotonic())
        time.sleep(0.01)
    return name


@long_callback("loop", job="loop-job", steps=["Read", "Loop", "Write"])
def loop(set_progress: Callable[[object], None], name: str) -> None:
    """Go through two loops, one in the other, and wait in the middle."""
    from tqdm import tqdm  # here and not before: most apps know nothing of it

    job = current_job()
    job.title = f"Loop of {name}"
    set_progress((1, 4, name))
    with job.step("Read"):
        pass
    with job.step("Loop"):
        for outer in tqdm(range(2), desc=name, mininterval=0):
            with job.step("Inner"):
                for inner in job.track(range(3), text="inner"):
                    job.log(f"{name}: {outer}, {inner}", logging.WARNING)
                    if (outer, inner) == (1, 2):
                        hold(name)


@long_callback("stream")
def stream(name: str) -> Any:
    """Yield words, and wait in the middle."""
    yield ""
    for word in ("one", "two", "three"):
        patch = Patch()
        patch += f"{word} "
        yield patch
        if word == "two":
            hold(name)


@long_callback("steps")
def steps(name: str) -> Any:
    """Yield one value after the other."""
    yield "begun"
    yield name


@long_callback("gil")
def gil(seconds: float) -> str:
    """Keep all other threads of this process from running."""
    ctypes.PyDLL(None).usleep(int(seconds * 1e6))
    return "done"


@long_callback("myself")
def myself(_value: object) -> list[Any]:
    """Say which job this is, in the function and in a thread of its own."""
    job = dash.current_job()
    found = []
    thread = threading.Thread(
        target=copy_context().run, args=(lambda: found.append(dash.current_job()),)
    )
    thread.start()
    thread.join()
    return [job.id, job.task, job.attempt, job.cancelled, found == [job]]


@long_callback("single", concurrency=1)
def single(folder: str) -> int:
    """Return how many jobs run in this moment, itself included."""
    mine = Path(folder, uuid4().hex)
    mine.touch()
    time.sleep(0.005)
    count = len(os.listdir(folder))
    mine.unlink()
    return count


@long_callback("fair", max_per_user=2)
def fair(value: dict[str, Any]) -> None:
    """Add a name to a file, in one write, and wait until all may go on."""
    with open(value["file"], "a") as file:
        file.write(f"{value['name']}\n")
    while not os.path.exists(value["gate"]):
        time.sleep(0.02)
    time.sleep(value["seconds"])


if users:
    # The health of an app tells of queues without workers.
    long_callback("urgent", priority=9)(stamp)
    long_callback("side", queue="side")(hold)
    # Without a manager's name: it would be refused where the manager lacks the queue.
    dash.long_callback(
        Output("elsewhere", "children"),
        Input("elsewhere-in", "value"),
        queue="elsewhere",
    )(hold)
    long_callback("alone", concurrency=1)(hold)

long_callback("brief", timeout=2.0)(family)
long_callback("leave", on_leave="cancel", leave_timeout=2.0)(hold)


@long_callback("grace", progress=Output("grace", "title"), cancel_grace=30.0)
def grace(set_progress: Callable[[object], None], value: dict[str, Any]) -> str:
    """Go on until asked to end, and tidy up, or don't."""
    name, job = value["name"], dash.current_job()
    child = subprocess.Popen(_SLEEP)
    write(name, json.dumps([os.getpid(), child.pid]))
    try:
        while value["how"] != "return" or not job.cancelled:
            if value["how"] == "progress":
                set_progress(0)
            time.sleep(0.01)
    except dash.JobCancelled:
        write(f"{name}.tidy", "null")
        raise
    write(f"{name}.tidy", "null")
    return "too late"


long_callback("brief-grace", progress=Output("brief-grace", "title"), cancel_grace=2.0)(
    grace
)


@long_callback("confirm", cancel_grace=30.0)
def confirm(value: dict[str, Any]) -> list[str]:
    """Ask, and note down how that ended."""
    options = {name: value[name] for name in value if name != "name"}
    try:
        return [dash.current_job().ask(f"{each}?", **options) for each in "ab"]
    except dash.JobCancelled:
        write(value["name"], "null")
        raise


@long_callback("confirm-on", retries=1, retry_on=ConnectionError)
def confirm_on(_value: object) -> list[str]:
    """Ask twice, and keep the answers."""
    job = current_job()
    answers: list[str] = job.checkpoint or []
    while len(answers) < 2:
        answers.append(job.ask(f"Question {len(answers) + 1}"))
        job.save(answers)
    return answers


@long_callback("endless", cancel_grace=30.0)
def endless(name: str) -> Any:
    """Yield until asked to end, and tidy up."""
    write(name, "null")
    try:
        for number in itertools.count():
            yield number
            time.sleep(0.01)
    finally:
        write(f"{name}.tidy", "null")


@long_callback("tally", progress=Output("tally", "title"))
def tally(set_progress: Callable[[object], None], value: dict[str, Any]) -> Any:
    """Add the pid to a file at every run, report, and end as is wanted."""
    name = value["name"]
    with open(f"{name}.runs", "a") as file:
        file.write(f"{os.getpid()}\n")
    set_progress("ran")
    set_props("tally-in", {"title": "ran"})
    match value["how"]:
        case "hold" | "count":
            while not os.path.exists(f"{name}.go"):
                time.sleep(0.01)
        case "raise":
            raise KeyError(name)
        case "no_update":
            return no_update
        case "prevent":
            raise PreventUpdate
    if value["how"] != "count":
        return value["result"]
    if os.path.exists(f"{name}.fail"):
        raise KeyError(name)
    return len(Path(f"{name}.runs").read_text().splitlines())


for retrigger in ("replace", "ignore", "queue"):

    @long_callback(f"tally-{retrigger}", on_retrigger=retrigger)
    def tally_in_lane(value: dict[str, Any]) -> Any:
        return tally(print, value)


@long_callback("parts")
def parts(value: dict[str, Any]) -> Any:
    """Run parts, which do and end as is wanted."""
    how, name = value["how"], value["name"]

    def part(item: int) -> Any:
        job = current_job()
        job.log(f"part {item} of {how}")
        if how == "raise" and item == 2:
            raise ConnectionError("refused")
        if how == "unable" and item == 2:
            return threading.Lock()
        if how == "nested":
            return [item, *job.map(lambda number: number + 1, [item])]
        if how == "hold":
            write(f"{name}.{item}", json.dumps([os.getpid(), os.getppid()]))
            while not os.path.exists(f"{name}.go"):
                time.sleep(0.01)
        if how == "late-first" and item == 0:
            while not os.path.exists(f"{name}.{value['late']}"):
                time.sleep(0.01)
        if how == "late-first":
            write(f"{name}.{item}", "null")
        return item * item

    results: list[Any] = []
    count, workers = value.get("count"), value.get("workers", 3)

    def items() -> Iterator[int]:
        yield from itertools.count() if how == "endless" else range(count or 6)
        while how == "fed" and results[-1] < 4:
            yield results[-1] + 1
        if how == "end":
            raise LookupError("No more items.")

    job = current_job()
    write(name, json.dumps([os.getpid()]))
    try:
        for result in job.map(part, items(), max_workers=workers, total=count):
            results.append(result)
            if how == "endless" and len(results) == 40:
                break
    except LookupError as error:
        results.append(str(error))
    return [results, sorted(each.name for each in multiprocessing.active_children())]


if isinstance(manager, CeleryLongCallbackManager):
    from celery import chain, chord, group
    from celery.signals import before_task_publish

    @celery_app.task
    def squared(name: str, item: int) -> int:
        """A task of the app, which may wait for a file, or fail."""
        if item < 0:
            raise ConnectionError("refused" if item == -1 else name)
        write(f"{name}.{item}", json.dumps([os.getpid(), os.getppid()]))
        while os.path.exists(f"{name}.stop"):
            time.sleep(0.01)
        return item * item

    def hold_the_third(body: Any, **_: Any) -> None:
        """Hold the process that sends tasks, if a file says so."""
        name, item = body[0]
        if item == 3 and os.path.exists(f"{name}.unsent"):
            write(f"{name}.sending", "null")
            while os.path.exists(f"{name}.unsent"):
                time.sleep(0.01)

    before_task_publish.connect(hold_the_third, sender=squared.name, weak=False)

    @celery_app.task
    def summed(items: list[int]) -> int:
        return sum(items)

    @celery_app.task(ignore_result=True)
    def ignored() -> None:
        pass

    @long_callback("workflow", retries=0, timeout=30.0)
    def workflow(value: dict[str, Any]) -> Any:
        """Return tasks instead of their result."""
        name, items = value["name"], value.get("items", [1, 2, 3])
        parts = [squared.s(name, item) for item in items]
        match value["how"]:
            case "result":
                return squared.delay(name, items[0])
            case "group":
                return group(parts).apply_async()
            case "chord":
                return chord(parts)(summed.s())
            case "chord signature":
                return chord(parts, summed.s())
            case "chain":
                return chain(group(parts), summed.s()).apply_async()
            case "ignored":
                return ignored.delay()
            case "ignored signature":
                return chain(*parts[:1], ignored.si())
            case "group signature":
                return group(parts)
        return None

    def end_process(_error: BaseException) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    @long_callback("killed at its end", on_error=end_process)
    def killed_at_its_end(name: str) -> Any:
        """Fail by a task, and kill the process that says so."""
        return squared.delay(name, -1)

    def hold_process(error: BaseException) -> None:
        hold(str(error))

    def held_at_its_end(name: str) -> Any:
        """Fail by a task, and hold the process that says so."""
        return squared.delay(name, -2)

    for limit, name in [(None, "held at its end"), (2.0, "late at its end")]:
        long_callback(name, on_error=hold_process, timeout=limit)(held_at_its_end)


VERSION = 1


@long_callback("version")
def version(_value: object) -> int:
    return VERSION


if __name__ == "__main__":
    app.run(port=os.environ["PORT"], debug="DEBUG" in os.environ)
