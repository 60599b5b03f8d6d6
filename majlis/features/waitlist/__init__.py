"""Waiting for tickets that are sold out: who came first is offered what is given back."""
