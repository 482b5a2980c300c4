"""The errors a user can cause, each one clear sentence: what was wrong with which input, and what is accepted.

The library raises them, the command line prints them on one line and exits 2, a page shows them and goes on.
"""


class AcrnnError(Exception):
    """Base of every error that is the input's fault, not the program's."""


class AudioError(AcrnnError):
    """A sound could not be used. Its subclasses say why."""


class EmptyAudioError(AudioError):
    """The file has no bytes, or the recording has no samples."""


class NotAudioError(AudioError):
    """The bytes are in no audio format that can be read, or the file is not there."""


class TruncatedAudioError(AudioError):
    """The file ends before the audio that its header announces."""


class BadSamplesError(AudioError):
    """The samples hold NaN or infinity, or an array has a shape or type that is no waveform."""


class SilentAudioError(AudioError):
    """Nothing in the recording is above the front end's floor, so any class named for it would be made up."""


class AudioTooLargeError(AudioError):
    """The recording is over the limit of duration or bytes, or its header announces an absurd size or rate."""


class StoreError(AudioError):
    """The store that a recording is in did not give it, which it may do the next time."""


class LimitError(AudioError):
    """A server has given this visitor, or all together, what it gives."""


class DatasetError(AcrnnError):
    """A dataset folder is missing, incomplete or not in ESC-50's layout."""


class DownloadError(AcrnnError):
    """A dataset could not be downloaded, or what arrived is not what was asked for."""


class CheckpointError(AcrnnError):
    """A checkpoint is missing, damaged or of another schema; the message names the file and the field."""


class FolderError(AcrnnError):
    """A folder cannot be written, or is named by a path that leads nowhere."""


class RunError(AcrnnError):
    """A training run cannot be started, resumed or published."""


class OptionError(AcrnnError, ValueError):
    """An option has a value outside what is accepted."""
