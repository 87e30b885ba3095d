"""libeim: a client for the Easemob IM / Agora Chat service.

:class:`Client` blocks, :class:`eim.aio.Client` is for asyncio; both speak the vocabulary of the
official SDKs in snake_case. :class:`Sandbox` is the service itself, locally, for tests and first
steps.
"""

from __future__ import annotations

from . import _core, aio
from ._client import Client, Request
from ._config import Options
from ._context import Context
from ._errors import (
    ArgumentError,
    AuthError,
    Domain,
    EimError,
    KickedError,
    NetworkError,
    TimeoutError,
)
from ._events import (
    ChatType,
    Message,
    MessageKind,
    Notice,
    Progress,
    Receipt,
    ReceiptKind,
    Response,
    SendResult,
    State,
    StateChange,
    TokenEvent,
    TokenReason,
    Uploaded,
)
from ._logging import sync_level as sync_log_level
from ._outgoing import (
    Combine,
    Command,
    Custom,
    File,
    Image,
    Location,
    Outgoing,
    Text,
    Video,
    Voice,
)
from .sandbox import Sandbox, SandboxError

__version__: str = _core.eim_version_string()

__all__ = [
    "ArgumentError",
    "AuthError",
    "ChatType",
    "Client",
    "Combine",
    "Command",
    "Context",
    "Custom",
    "Domain",
    "EimError",
    "File",
    "Image",
    "KickedError",
    "Location",
    "Message",
    "MessageKind",
    "NetworkError",
    "Notice",
    "Options",
    "Outgoing",
    "Progress",
    "Receipt",
    "ReceiptKind",
    "Request",
    "Response",
    "Sandbox",
    "SandboxError",
    "SendResult",
    "State",
    "StateChange",
    "Text",
    "TimeoutError",
    "TokenEvent",
    "TokenReason",
    "Uploaded",
    "Video",
    "Voice",
    "aio",
    "sync_log_level",
]
