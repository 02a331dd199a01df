"""This repository only. The steps and the ``drill`` fixture come from the installed plugin."""
