"""A component library as small as can be, for a job to import."""

from dash.development.base_component import Component

__version__ = "1.0.0"

_js_dist = [{"relative_package_path": "late.js", "namespace": "late_library"}]
_css_dist: list[dict[str, str]] = []


class Late(Component):
    """Shows its text between arrows.

    Args:
        text: what to show.
    """

    _children_props: list[str] = []  # noqa: RUF012
    _base_nodes = ["children"]  # noqa: RUF012
    _namespace = "late_library"
    _type = "Late"
    _js_dist = _js_dist

    def __init__(self, text: str) -> None:
        self._prop_names = ["text"]
        self._valid_wildcard_attributes: list[str] = []
        self.available_properties = ["text"]
        self.available_wildcard_properties: list[str] = []
        super().__init__(text=text)  # type: ignore[no-untyped-call]
