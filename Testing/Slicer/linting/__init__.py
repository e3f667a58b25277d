"""What `api_lint.py` consists of: the tables of facts, types of expressions, rules for code and for .ui files."""
