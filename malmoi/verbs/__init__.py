"""The verbs of the command line, a module each: options in, a stage run or a folder shown, results printed."""
