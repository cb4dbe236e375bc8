"""One module for each group of commands: read the options, call a flow, render what it returns, choose the status."""
