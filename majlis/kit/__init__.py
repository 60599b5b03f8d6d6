"""What any server of this kind needs. Nothing here knows the product."""
