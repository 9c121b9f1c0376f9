"""The one exception meant for people."""


class EmotionSlmError(Exception):
    """A problem the user can mend; its message names the file, the place and the remedy.

    Stages and the command line print the message without a traceback and exit with status 1.
    """
