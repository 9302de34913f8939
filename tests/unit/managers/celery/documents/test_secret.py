"""The secret that all servers of a result backend share."""

from __future__ import annotations

from unittest import mock

from dash_long_components.managers.celery.documents.common_documents import (
    CommonDocuments,
)
from dash_long_components.managers.celery.documents.secret import FRESH, SharedSecret


def test_secret_is_read_again_after_a_while_and_proposes_the_last_one() -> None:
    """Another server may have made a new one after the backend had lost the old one."""
    documents = mock.Mock(spec=CommonDocuments)
    documents.secret.side_effect = ["first", "second"]
    secret = SharedSecret(documents)
    with mock.patch("time.monotonic", return_value=100.0) as clock:
        assert secret.read() == b"first"
        clock.return_value += FRESH - 1
        assert secret.read() == b"first"
        clock.return_value += 1
        assert secret.read() == b"second"
        assert secret.read() == b"second"
    (proposed,), (known,) = (call.args for call in documents.secret.call_args_list)
    assert len(proposed) == 64
    assert known == "first"
