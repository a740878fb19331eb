"""The operators' side: health, metrics, and the API of those who review, record consent and audit."""
