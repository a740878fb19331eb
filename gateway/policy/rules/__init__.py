"""The rules, each a frozen dataclass whose fields are its YAML parameters."""
