"""Every exception that Deftworks raises on purpose.

    DeftworksError
    |-- SourceError            a dataset cannot be had from where it should come
    |   |-- NotADataset        the folder holds no LeRobot dataset
    |   |-- SourceUnavailable  the place does not answer (retryable)
    |   |-- Gone               it was there, or was said to be, and is not any more
    |   |-- Gated              its owner lets in only people who asked
    |   |-- NotAsPinned        what was sent is not what the pinned commit lists
    |   `-- UnknownSource      the source is not written in a known way
    |-- DatasetUnreadable      it is a dataset, and a part that everything needs cannot be read
    |   |-- VideoUnreadable    one video cannot be opened or decoded
    |   `-- UnknownVersion     a codebase_version that no reader knows
    |-- ContractError          a table, manifest or identifier breaks its contract
    |-- LakeError              the lake is missing something, or is busy
    |-- AnnotationError        a model answered nonsense or could not be loaded
    |-- PolicyError            a checkpoint, a batch or statistics do not fit the model
    |-- TrainingError          a recipe, a mixture or a resumed run does not fit
    |-- SimulationError        a world is not installed or cannot render
    |-- PackError              a pack is incomplete, tampered with or signed by someone else
    |   |-- PackTampered
    |   |-- UntrustedKey
    |   `-- LicenceRefused
    |-- ProfileError           what an owner says of a robot cannot be read
    `-- MarketplaceError       the shop cannot do what is asked of it
        |-- MoneyError         it is no amount, or cannot be divided so
        |-- LedgerError        a transaction breaks double entry
        |   |-- KeyConflict    its key was used for something else
        |   `-- Overdrawn      an account has less than it is to give
        |-- AccountError       a person cannot come in, or may not do that
        |   |-- SignInRefused  nobody has this email and password
        |   |-- NotSignedIn    nobody is known to ask
        |   |-- LinkSpent      a one-time link was used, is too old, or never was
        |   |-- NotAllowed     a role or scope is missing
        |   `-- TooManyAttempts  (retryable)
        |-- OrderError         an order, download or review cannot be as it is asked for
        |   |-- NotFound       there is none, or it is somebody else's
        |   |-- LinkExpired    a download link was too old
        |   `-- NotEntitled    a purchase does not hold, or not for this version
        `-- PaymentError       the payment provider did not do what it was asked for
            |-- PaymentUnavailable  it does not answer (retryable)
            |-- PaymentRefused      it will not, however often it is asked
            `-- SignatureRefused    bytes that claim to be the provider's are not

A message has three parts: what happened, to which id or path, and what to do next. What belongs elsewhere: bad rows and
bad datasets are not exceptions but findings (`data_contracts.findings`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class DeftworksError(Exception):
    """Base of the tree. `hint` is what the reader should do next; it is part of `str(error)`."""

    is_retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


class SourceError(DeftworksError):
    """A dataset cannot be had from where it should come."""


class NotADataset(SourceError):
    """The folder holds no LeRobot dataset."""


class SourceUnavailable(SourceError):
    """The place does not answer now; trying again later may help, and `retry_after_s` says when if the place did."""

    is_retryable = True

    def __init__(self, message: str, *, hint: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class Gone(SourceError):
    """The dataset was deleted, made private, or is not listed any more."""


class Gated(SourceError):
    """The dataset is given only to people whom its owner let in."""


class NotAsPinned(SourceError):
    """Files differ from the tree of the commit that they should belong to, or that tree cannot be written to a disk."""


class UnknownSource(SourceError):
    """The source is not written in a known way."""


class DatasetUnreadable(DeftworksError):
    """A dataset whose metadata or data cannot be read at all."""


class VideoUnreadable(DatasetUnreadable):
    """One video file cannot be opened or decoded."""


class UnknownVersion(DatasetUnreadable):
    """A `codebase_version` that no reader here knows."""


class ContractError(DeftworksError):
    """A table, manifest or identifier breaks its contract."""


class LakeError(DeftworksError):
    """Something that the lake should hold is missing or unusable."""


class AnnotationError(DeftworksError):
    """A model answered nonsense or could not be loaded."""


class PolicyError(DeftworksError):
    """A checkpoint, a batch or statistics do not fit the model."""


class TrainingError(DeftworksError):
    """A recipe, a mixture or a resumed run does not fit."""


class SimulationError(DeftworksError):
    """A simulated world is not installed or cannot render."""


class PackError(DeftworksError):
    """A skill pack is incomplete or does not fit its requirements."""


class PackTampered(PackError):
    """A file of a pack was changed, removed or added after signing."""


class UntrustedKey(PackError):
    """The signature is by a key that is not pinned here."""


class LicenceRefused(PackError):
    """A licence of the training data forbids what was asked for."""


class ProfileError(DeftworksError):
    """What an owner says of a robot cannot be read, or contradicts itself."""


class MarketplaceError(DeftworksError):
    """The shop cannot do what is asked of it."""


class MoneyError(MarketplaceError):
    """It is no amount of money, or cannot be divided so."""


class LedgerError(MarketplaceError):
    """A transaction breaks the rules of double entry."""


class KeyConflict(LedgerError):
    """The key of a transaction was used for something else."""


class Overdrawn(LedgerError):
    """An account has less than it is to give."""


class AccountError(MarketplaceError):
    """A person, role, session or token cannot be as it is asked for."""


class SignInRefused(AccountError):
    """Nobody has this email and password, or may come in with them. It does not say which."""


class NotSignedIn(AccountError):
    """It is for somebody who is known, and nobody is."""


class LinkSpent(AccountError):
    """A one-time link was used, is too old, or never was one."""


class NotAllowed(AccountError):
    """Who asks is known, and lacks the role or scope for it."""


class TooManyAttempts(AccountError):
    """It was tried too often; `retry_after_s` says when it may be tried again."""

    is_retryable = True

    def __init__(self, message: str, *, hint: str = "", retry_after_s: int) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class OrderError(MarketplaceError):
    """An order, download or review cannot be as it is asked for."""


class NotFound(OrderError):
    """There is no such thing, or it is somebody else's: the answer is the same."""


class LinkExpired(OrderError):
    """A download link was too old when it was used."""


class NotEntitled(OrderError):
    """A purchase does not hold any more, or never for this version."""


class PaymentError(MarketplaceError):
    """The payment provider did not do what it was asked for."""


class PaymentUnavailable(PaymentError):
    """It does not answer, or not yet; asking again with the same key is safe."""

    is_retryable = True


class PaymentRefused(PaymentError):
    """It answered, and will not do it however often it is asked."""


class SignatureRefused(PaymentError):
    """Bytes that claim to be the provider's are not, or are too old."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns a hint that names the nearest known word, or lists the known ones."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known) or 'none'}."
