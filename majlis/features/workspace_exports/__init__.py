"""Zips of what was said in a workspace, in the layout of Slack's."""
