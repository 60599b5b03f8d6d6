"""Files in channels: who may upload, see and delete them."""
