"""Errors that this package raises, ordered by who can do something about them."""

from __future__ import annotations


class LongCallbackError(Exception):
    """Something about a long callback went wrong."""


class MissingManagerError(LongCallbackError, ValueError):
    """A long callback was used, and the app has no manager to run it."""


class TaskNotFoundError(LongCallbackError):
    """A worker was given a job whose task it does not know."""


class CodeChangedError(LongCallbackError):
    """The code of a task is not what it was when the job was submitted."""


class NoCurrentJobError(LongCallbackError, RuntimeError):
    """Code that runs in no job asked for the job it runs in."""


class StoreError(LongCallbackError):
    """The place where jobs are kept can not be used."""


class StoreUnavailableError(StoreError):
    """The place where jobs are kept does not answer now; ask again later."""


class JobEndedError(LongCallbackError):
    """A job that has ended can not change any more."""


class BadTokenError(LongCallbackError):
    """A token was forged, cut, meant for another server, or has expired."""


class JobCancelled(BaseException):
    """The job was cancelled while its function runs in this process.

    No ``Exception``, so that a function that catches those ends nevertheless.
    """
