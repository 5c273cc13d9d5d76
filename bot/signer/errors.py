"""What keeps a signer from starting or going on.

SignerError
+-- Unfit    a file, folder or setting is not as it must be; the text says what to do
+-- Broken   the journal cannot be kept any more; nothing is signed until it is read again, at the next start
"""


class SignerError(Exception):
    """Base of both."""


class Unfit(SignerError):
    """Something has to be put right by whoever runs this."""


class Broken(SignerError):
    """The state on disk may no longer say what was signed."""
