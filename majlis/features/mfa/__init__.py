"""Second factors: codes by time, backup codes, and the challenges that ask for one."""
