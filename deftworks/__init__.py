"""The command line. It puts the rooms together and imports what a command needs only when that command runs."""
