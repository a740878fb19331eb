"""What came in: addresses, envelope, content. Pure."""
