"""What in a workspace asks for somebody: mentions of them, and threads that they follow."""
