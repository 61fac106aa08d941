"""Many runs at once: ``sweep`` over learning rates, ``race`` over rules and starts."""
