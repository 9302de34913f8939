"""Why a job did not succeed."""

from __future__ import annotations

from dataclasses import dataclass

#: Linux kills a process by SIGKILL if memory is short.
SHORT_OF_MEMORY = "The system may be short of memory."


@dataclass(frozen=True, kw_only=True)
class JobError:
    """Why a job did not succeed.

    Attributes:
        type: the exception's class name, or one of our own ("TimedOut").
        message: for people; empty if the exception has no text.
        task: name of the task, as ``module.function``.
        traceback: the whole traceback; in debug mode only.
    """

    type: str
    message: str
    task: str
    traceback: str | None = None

    @classmethod
    def timed_out(cls, task: str, timeout: float) -> JobError:
        """Return the error of a job that ran for ``timeout`` seconds."""
        message = f"Timed out after {timeout:g} s."
        return cls(type="TimedOut", message=message, task=task)

    @classmethod
    def timed_out_in_all(cls, task: str, timeout: float, attempts: int) -> JobError:
        """Return the error of a job whose attempts took ``timeout`` seconds in all."""
        message = f"Timed out after {timeout:g} s in all, in attempt {attempts}."
        return cls(type="TimedOut", message=message, task=task)

    @classmethod
    def expired(cls, task: str) -> JobError:
        """Return the error of a job that no worker took within ``queue_timeout``."""
        message = "Expired in the queue: no worker was free in time (queue_timeout)."
        return cls(type="Expired", message=message, task=task)

    @classmethod
    def queue_full(cls, task: str, max_queue: int) -> JobError:
        """Return the error of a job that found ``max_queue`` jobs in the queue."""
        message = f"The queue is full: {max_queue} jobs are waiting (max_queue)."
        return cls(type="QueueFull", message=message, task=task)

    @classmethod
    def not_stored(cls, task: str, size: int) -> JobError:
        """Return the error of a job whose result of ``size`` bytes has no room."""
        message = (
            f"The result of {size} bytes does not fit into the job store. Return "
            "less, or free space on its disk."
        )
        return cls(type="NotStored", message=message, task=task)

    @classmethod
    def not_writable(cls, task: str) -> JobError:
        """Return the error of a job that prevents its own worker from writing."""
        message = (
            "The result could not be written: the job has limited the size of files "
            "(RLIMIT_FSIZE). Limit a process of its own instead."
        )
        return cls(type="NotStored", message=message, task=task)

    @classmethod
    def not_started(
        cls, task: str, reason: str, traceback: str | None = None
    ) -> JobError:
        """Return the error of a job that could not be submitted."""
        message = f"Could not start: {reason}."
        return cls(type="NotStarted", message=message, task=task, traceback=traceback)

    @classmethod
    def dropped(cls, task: str, reason: str) -> JobError:
        """Return the error of a job that nothing will start any more."""
        return cls(type="NotStarted", message=reason, task=task)

    @property
    def in_one_line(self) -> str:
        """The type and the message, or one of them."""
        return ": ".join(filter(None, (self.type, self.message.partition("\n")[0])))

    def to_dict(self) -> dict[str, str]:
        """Return what the page gets: ``type`` and ``message`` always."""
        optional = {"task": self.task, "traceback": self.traceback}
        return {
            "type": self.type,
            "message": self.message,
            **{name: text for name, text in optional.items() if text},
        }
