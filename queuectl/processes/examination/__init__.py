"""What the doctor looks at, and how it mends what it can mend without guessing."""
