"""What the supervisor is made of."""
