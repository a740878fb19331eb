"""What every HTTP face of the gateway shares: listener, frame, bodies, credentials, problems, OpenAPI."""
