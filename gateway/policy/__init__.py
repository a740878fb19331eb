"""So what: policies, rules, and the decision. Pure, but for `load`, which reads files."""
