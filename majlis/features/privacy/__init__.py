"""What people let others see of them, and who may find and reach them."""
