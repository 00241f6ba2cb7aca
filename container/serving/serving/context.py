"""The `context` a handler's functions may take: what handlers use of multi-model-server's and TorchServe's."""

import operator
from typing import Any

from serving import formats
from serving.errors import Unserializable

_MAX_HEADERS_BYTES = 64 << 10
_FRAMING = frozenset({"connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})


class Context:
    """One request as the handler sees it, and what it may say about the response.

    While the model is loaded there is no request: headers are empty and the id is None. `idx` is the position in a
    batch, which always has one request here.
    """

    def __init__(self, model_dir: str, headers: dict[str, str] | None = None, inference_id: str | None = None) -> None:
        self.system_properties: dict[str, Any] = {"model_dir": model_dir, "gpu_id": None, "batch_size": 1}
        self.model_name = "model"
        self.request_processor = [self]
        self._inference_id = inference_id
        self._headers = {name.lower(): value for name, value in (headers or {}).items()}
        self.response_headers: dict[str, str] = {}
        self.response_status = 200

    def get_request_id(self, idx: int = 0) -> str | None:  # noqa: ARG002
        """The id of the inference, None when the client gave none."""
        return self._inference_id

    def get_request_header(self, idx: int, key: str) -> str | None:  # noqa: ARG002
        """The value of a header, whatever the case of its name."""
        return self._headers.get(key.lower())

    def get_all_request_header(self, idx: int) -> dict[str, str]:  # noqa: ARG002
        """All headers, names in lower case."""
        return dict(self._headers)

    def get_request_properties(self) -> dict[str, str]:
        """All headers, names in lower case."""
        return dict(self._headers)

    def get_request_property(self, key: str) -> str | None:
        """The value of a header, whatever the case of its name."""
        return self._headers.get(key.lower())

    def set_response_content_type(self, idx: int, value: str) -> None:  # noqa: ARG002
        """The media type of the response; a type returned with the body comes first."""
        self.response_headers["content-type"] = formats.header_text(value)

    def set_response_header(self, idx: int, key: str, value: str) -> None:  # noqa: ARG002
        """A header of the response. Those that frame it are the server's own, and passed over here."""
        if (name := formats.header_name(key)) not in _FRAMING:
            self.response_headers[name] = formats.header_text(value)
            if sum(len(name) + len(value) for name, value in self.response_headers.items()) > _MAX_HEADERS_BYTES:
                raise Unserializable(f"the response's headers are larger than the {_MAX_HEADERS_BYTES} bytes allowed")

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:  # noqa: ARG002
        """The status of the response, 200 to 599."""
        status = operator.index(code)  # which takes numpy's numbers, and gives one that JSON has a form for
        if not 200 <= status <= 599:
            raise ValueError(f"a response cannot have status {status}: 200 to 599 are allowed")
        self.response_status = status
