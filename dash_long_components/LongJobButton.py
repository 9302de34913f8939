# AUTO GENERATED FILE - DO NOT EDIT

import typing  # noqa: F401
from typing_extensions import TypedDict, NotRequired, Literal # noqa: F401
from dash.development.base_component import Component, _explicitize_args
try:
    from dash.types import NumberType  # noqa: F401
except ImportError:
    # Backwards compatibility for dash<=4.1.0
    if typing.TYPE_CHECKING:
        raise
    NumberType = typing.Union[  # noqa: F401
        typing.SupportsFloat, typing.SupportsInt, typing.SupportsComplex
    ]

ComponentSingleType = typing.Union[str, int, float, Component, None]
ComponentType = typing.Union[
    ComponentSingleType,
    typing.Sequence[ComponentSingleType],
]


class LongJobButton(Component):
    """A LongJobButton component.
A button that is busy while its job is live. Use its `n_clicks` as an Input of a long
callback: from the click to the end of the job the button shows a spinner, and ignores
further clicks. That survives a reload. In an `html.Form`, Enter clicks it.

Keyword arguments:

- children (a list of or a singular dash component, string or number; optional):
    The content of the button.

- id (string; optional):
    The ID of this component, used to identify it in callbacks.

- busy (a list of or a singular dash component, string or number; optional):
    The content while the button is busy. Default: `children`.

- cancel (boolean; default False):
    Whether a click while the button is busy cancels the job; the
    button then says so. Default: False, such a click does nothing.

- className (string; optional):
    CSS class of the component, in addition to `long-job-button`. Its
    rules win over those of the package: `btn btn-primary` looks like
    a button of Bootstrap.

- disabled (boolean; default False):
    Whether the button can't be clicked. Default: False.

- job (string | dict; optional):
    ID of a `LongJob` whose jobs keep the button busy too, whatever
    starts them.

- labels (string | dict; optional):
    The language of the texts, or a dict of texts, as for `LongJob`.
    Default: `en`.

- n_clicks (number; default 0):
    The number of clicks that count: those while the button is not
    busy. Set by the component; use it as the Input of a long
    callback."""
    _children_props: typing.List[str] = ['busy']
    _base_nodes = ['busy', 'children']
    _namespace = 'dash_long_components'
    _type = 'LongJobButton'


    def __init__(
        self,
        children: typing.Optional[ComponentType] = None,
        id: typing.Optional[typing.Union[str, dict]] = None,
        n_clicks: typing.Optional[NumberType] = None,
        job: typing.Optional[typing.Union[str, dict]] = None,
        busy: typing.Optional[ComponentType] = None,
        cancel: typing.Optional[bool] = None,
        disabled: typing.Optional[bool] = None,
        labels: typing.Optional[typing.Union[str, dict]] = None,
        className: typing.Optional[str] = None,
        style: typing.Optional[typing.Any] = None,
        **kwargs
    ):
        self._prop_names = ['children', 'id', 'busy', 'cancel', 'className', 'disabled', 'job', 'labels', 'n_clicks', 'style']
        self._valid_wildcard_attributes =            []
        self.available_properties = ['children', 'id', 'busy', 'cancel', 'className', 'disabled', 'job', 'labels', 'n_clicks', 'style']
        self.available_wildcard_properties =            []
        _explicit_args = kwargs.pop('_explicit_args')
        _locals = locals()
        _locals.update(kwargs)  # For wildcard attrs and excess named props
        args = {k: _locals[k] for k in _explicit_args if k != 'children'}

        super(LongJobButton, self).__init__(children=children, **args)

setattr(LongJobButton, "__init__", _explicitize_args(LongJobButton.__init__))
