"""Wait for jobs, with and without a browser."""

from __future__ import annotations

import json
from typing import Any

from ..web.handles import ENGINE_HOST
from .page import Job, wait_until

#: Returns reasons why a page in a browser is still busy; an empty list if it is idle.
_BUSY = """
const [host, component] = arguments;
const state = window.store && window.store.getState();
if (!state || state.appLifecycle !== 'HYDRATED') return ['the page loads'];
const {stored: _stored, completed, ...callbacks} = state.callbacks;
const pending = Object.values(callbacks).flat().length;
const path = state.paths.strs[host];
const {handles = {}} = path
    ? window.dash_component_api.getLayout(path).props : {};
const key = state.config.requests_pathname_prefix + host;
const stored = JSON.parse(window.sessionStorage.getItem(key) || '[]');
const same = (id) => component === (id && typeof id === 'object'
    ? JSON.stringify(id, Object.keys(id).sort()) : id);
const live = [...Object.values(handles), ...stored].filter(
    ({outputs, view}) => component === null || same(view)
        || outputs.some(([id]) => same(id)));
return [
    ...(pending ? [`${pending} callbacks are pending`] : []),
    ...live.map(({outputs}) => `a job of ${JSON.stringify(outputs)} has not ended, `
        + 'or waits for a component to show its result'),
];
"""


def wait_for_job(
    where: Job | Any,
    component_id: str | dict[str, Any] | None = None,
    *,
    timeout: float = 10,
) -> None:
    """Wait until a job has ended, or until a page in a browser is idle.

    In a browser, the results are on the page by then, and so are those of callbacks
    that depend on them.

    Args:
        where: a ``Job``, ``dash_duo``, or any object with a Selenium ``driver``.
        component_id: in a browser, wait only for jobs with an Output of this
            component, or for those that this ``LongJob`` shows. By default for all.
        timeout: seconds.

    Raises:
        TimeoutError: after ``timeout``; the message says why the page is busy.
        LongCallbackError: the server refuses the poll.
    """
    if isinstance(where, Job):
        wait_until(where.busy, timeout)
        return
    if isinstance(component_id, dict):
        component_id = json.dumps(component_id, sort_keys=True, separators=(",", ":"))

    def busy() -> list[str]:
        reasons: list[str] = where.driver.execute_script(
            _BUSY, ENGINE_HOST, component_id
        )
        return reasons

    wait_until(busy, timeout)
