"""The SQL that every dialect shares, one module a role."""
