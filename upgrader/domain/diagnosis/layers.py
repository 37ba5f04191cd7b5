"""Which layer of a gateway refused a connect: what has to be mended differs for each. Pure."""

from enum import Enum


class Layer(Enum):
    """The layers in the order in which a gateway looks at a connect."""

    PROTOCOL = "the protocol"
    PROOF = "the proof of identity"
    SHARED_TOKEN = "the shared token"
    DEVICE_TOKEN = "the device token"
    IDENTITY_AND_SCOPES = "identity and scopes"
    RATE_LIMIT = "the rate limit"
    UNKNOWN = "an unknown layer"


# Words of codes and reasons, the more particular first: 2.17 and 2.19 give a reason alone (auth-messages.ts of 2026.2.17 and
# 2026.9.6, message handler of both).
_WORDS: tuple[tuple[str, Layer], ...] = (
    ("protocol", Layer.PROTOCOL),
    ("rate_limited", Layer.RATE_LIMIT),
    ("too many failed", Layer.RATE_LIMIT),
    ("device_auth", Layer.PROOF),
    ("device signature", Layer.PROOF),
    ("device nonce", Layer.PROOF),
    ("device identity mismatch", Layer.PROOF),
    ("scope_mismatch", Layer.IDENTITY_AND_SCOPES),
    ("scope mismatch", Layer.IDENTITY_AND_SCOPES),
    ("pairing", Layer.IDENTITY_AND_SCOPES),
    ("device_identity_required", Layer.IDENTITY_AND_SCOPES),
    ("device identity required", Layer.IDENTITY_AND_SCOPES),
    ("device_token", Layer.DEVICE_TOKEN),
    ("device token", Layer.DEVICE_TOKEN),
    ("auth_token", Layer.SHARED_TOKEN),
    ("auth_password", Layer.SHARED_TOKEN),
    ("gateway token", Layer.SHARED_TOKEN),
    ("gateway password", Layer.SHARED_TOKEN),
)


def layer_of(code: str, reason: str) -> Layer:
    """The layer that gave this code and these words."""
    for said in (code.lower(), reason.lower()):
        for word, layer in _WORDS:
            if word in said:
                return layer
    return Layer.UNKNOWN
