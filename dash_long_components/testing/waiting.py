"""Waiting for jobs, with and without a browser."""

from __future__ import annotations

import json
from typing import Any

from ..web.app_jobs import ENGINE_HOST
from .page import Job, wait_until

#: Says what a page in a browser still does; an empty list at rest.
_BUSY = """
const [host, component] = arguments;
const state = window.store && window.store.getState();
if (!state || state.appLifecycle !== 'HYDRATED') return ['it loads'];
const {stored, completed, ...callbacks} = state.callbacks;
const pending = Object.values(callbacks).flat().length;
const path = state.paths.strs[host];
const {handles = {}} = path
    ? window.dash_component_api.getLayout(path).props : {};
const key = state.config.requests_pathname_prefix + host;
const kept = JSON.parse(window.sessionStorage.getItem(key) || '[]');
const same = (id) => component === (id && typeof id === 'object'
    ? JSON.stringify(id, Object.keys(id).sort()) : id);
const live = [...Object.values(handles), ...kept].filter(
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
    """Wait until a job has ended, or until a page in a browser has come to rest.

    In a browser the results are on the page then, and so is what other callbacks have
    made of them.

    Args:
        where: a ``Job``; or ``dash_duo``, or whatever has its ``driver``.
        component_id: in a browser, wait only for jobs with an Output of this
            component; or for those that this ``LongJob`` shows. By default for all.
        timeout: seconds.

    Raises:
        TimeoutError: it has not come to that; the message says what it waits for.
        LongCallbackError: the server refuses to say how far the job is.
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
