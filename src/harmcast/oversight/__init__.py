"""Who looked, who changed, who decided: rules and shapes only; it opens nothing."""
