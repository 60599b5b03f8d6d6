"""The door of the Sioree contract: nights out, tickets, bank and social accounts."""
