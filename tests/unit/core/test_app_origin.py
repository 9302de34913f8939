"""The stack shows the origin of an app, which makes the app again."""

from __future__ import annotations

import functools
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dash_long_components.core.app_origin import AppOrigin, Maker

LIBRARY = """
from dash_long_components.core.app_origin import AppOrigin
made = []
def make(*said):
    made.append((said, AppOrigin.of_new_app("site", "/", None)))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "making.py").write_text(LIBRARY)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]
    importlib.invalidate_caches()


def load(project: Path, text: str, name: str = "site_x") -> Any:
    (project / f"{name}.py").write_text(text)
    return importlib.import_module(name)


def made() -> list[tuple[Any, AppOrigin]]:
    found: list[tuple[Any, AppOrigin]] = sys.modules["making"].made
    return found


def own(origin: AppOrigin) -> list[Maker]:
    """Return what the project's files do, without the test and the making itself."""
    names = {"making", __name__}
    return [maker for maker in origin.makers if maker.module not in names]


def run(maker: Maker) -> None:
    def import_module(name: str, _path: str | None) -> ModuleType:
        return importlib.import_module(name)

    maker.make(import_module)


def in_thread(function: Callable[[], object]) -> None:
    """Call a function as a server does: no test is on its stack."""
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_module_that_makes_it_is_imported(project: Path) -> None:
    load(project, "import making; making.make()")
    ((_, origin),) = made()
    assert [str(maker) for maker in own(origin)] == ["the import of site_x"]


@pytest.mark.parametrize(
    ("parameters", "arguments"),
    [
        ("", ()),
        ("a, b=2, *rest, c, **more", functools.partial),
        ("a, /, b=3", (1,)),
    ],
)
def test_function_is_called_with_the_same_arguments(
    project: Path, parameters: str, arguments: Any
) -> None:
    text = "import making\n"
    text += f"def create({parameters}):\n    making.make(sorted(locals().items()))\n"
    site = load(project, text.replace("\\\n", "\n"))
    if arguments is functools.partial:
        in_thread(lambda: site.create(1, 5, 6, 7, c="c", d={"e": None}))
    else:
        in_thread(lambda: site.create(*arguments))
    said, origin = made()[0]
    (maker,) = own(origin.runnable())
    assert maker.obstacle is None
    run(maker)
    assert made()[1][0] == said


def test_default_that_can_not_travel_is_left_out(project: Path) -> None:
    site = load(
        project,
        "import making, threading\n"
        "def create(lock=None, name='x'):\n"
        "    lock = lock or threading.Lock()\n"
        "    making.make(type(lock), name)\n",
    )
    in_thread(lambda: site.create(name="y"))
    (maker,) = own(made()[0][1])
    run(maker)
    assert made()[1][0] == made()[0][0]


@pytest.mark.parametrize(
    ("call", "obstacle"),
    [
        ("lambda: create(threading.Lock())", "can't be pickled"),
        ("lambda: create('x' * 2_000_000)", "larger than"),
        ("lambda: list(generate())", "generator or coroutine function"),
        ("lambda: local()()", "not found by its name"),
    ],
)
def test_function_that_can_not_be_called_again_says_why(
    project: Path, call: str, obstacle: str
) -> None:
    site = load(
        project,
        "import making, threading\n"
        "def create(value):\n    making.make()\n"
        "def generate():\n    yield making.make()\n"
        "def local():\n"
        "    def inner():\n        making.make()\n"
        "    return inner\n",
    )
    in_thread(eval(call, vars(site)))
    assert obstacle in str(own(made()[0][1])[-1].obstacle)


def test_function_that_has_not_returned_is_not_called(project: Path) -> None:
    site = load(
        project,
        "import making\n"
        "def create():\n    making.make()\n"
        "def main(serve):\n    create()\n    serve()\n",
    )
    found = []
    site.main(lambda: found.extend(own(made()[0][1].runnable())))
    main, create = found
    assert main.function == "main"
    assert main.obstacle == "it has not returned"
    assert create.obstacle is None


def test_installed_package_that_sets_up_the_app_is_the_users(project: Path) -> None:
    installed = project / "site-packages"
    (installed / "shop").mkdir(parents=True)
    sys.path.insert(0, str(installed))
    (installed / "server.py").write_text(
        "import importlib\n"
        "def run(module, function=None):\n"
        "    module = importlib.import_module(module)\n"
        "    if function: getattr(module, function)()\n"
    )
    texts = {
        "factory": "import importlib\n"
        "def create():\n"
        "    importlib.import_module('dash_long_components')\n"
        "    from dash_long_components.core.app_origin import AppOrigin\n"
        "    global origin\n"
        "    origin = AppOrigin.of_new_app('site', '/', None)\n",
        "wsgi": "from .factory import create\ncreate()\n",
    }
    for name, text in texts.items():
        (installed / "shop" / f"{name}.py").write_text(text)
    (installed / "company_site.py").write_text("import shop.wsgi")
    factory = importlib.import_module("shop.factory")
    server = importlib.import_module("server")

    def found(*arguments: str) -> list[str]:
        in_thread(lambda: server.run(*arguments))
        return [str(maker) for maker in own(factory.origin.runnable())]

    call = "the call of shop.factory.create()"
    assert found("shop.factory", "create") == [call]
    imports = ["the import of company_site", "the import of shop.wsgi"]
    assert found("company_site") == [*imports, call]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("site_x", ()),
        ("site_x:app", ()),
        ("site_x:create", ("again",)),
        ("site_x:create('b', 2)", ("b", 2)),
        ("site_x:Factory.create(a=1)", (1,)),
    ],
)
def test_entry_of_the_user_is_what_counts(
    project: Path, entry: str, said: tuple[Any, ...]
) -> None:
    load(
        project,
        "import making\napp = making.make()\n"
        "def create(*args):\n    making.make(*(args or ['again']))\n"
        "class Factory:\n"
        "    @staticmethod\n    def create(a):\n        making.make(a)\n",
    )
    origin = AppOrigin.of_new_app("site", "/", entry)
    (maker,) = origin.makers
    run(maker)
    assert made()[-1][0] == said


def test_class_that_makes_an_app_is_called_again(project: Path) -> None:
    """Its instance may hold what can't be pickled, such as the app and a lock."""
    module = load(
        project,
        "import making, threading\n"
        "class Site:\n"
        "    def __init__(self, name, *, title='none'):\n"
        "        self.lock = threading.Lock()\n"
        "        making.make(type(self).__name__, name, title)\n"
        "class Shop(Site):\n    pass\n"
        "class Sale(Site):\n"
        "    def __init__(self):\n        super().__init__('sale')\n",
    )
    for make, said, calls in (
        (lambda: module.Site("a", title="b"), ("Site", "a", "b"), ["Site"]),
        (lambda: module.Shop("a"), ("Shop", "a", "none"), ["Shop"]),
        (module.Sale, ("Sale", "sale", "none"), ["Sale", "Sale"]),
    ):
        make()
        makers = own(made()[-1][1])
        assert [maker.function for maker in makers] == calls
        run(makers[0])
        assert made()[-1][0] == said
        # A constructor that another class calls is no way to make the app.
        assert all(maker.obstacle for maker in makers[1:])


@pytest.mark.parametrize(
    "entry", ["", ":app", "a b", "site_x:1", "site_x:create(x)", "site_x:(", 5]
)
def test_entry_of_another_form_is_refused(entry: Any) -> None:
    with pytest.raises(ValueError, match=r"^entry= takes"):
        AppOrigin.of_new_app("site", "/", entry)


def test_apps_of_one_name_are_counted() -> None:
    first = AppOrigin.of_new_app("counted", "/", "x")
    assert first.is_made()
    second = AppOrigin.of_new_app("counted", "/", "x")
    assert (first.number, second.number) == (1, 2)
    missing = AppOrigin(name="counted", prefix="/", number=3, makers=())
    assert not missing.is_made()
