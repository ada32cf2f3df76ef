"""Every setting of every verb, from the classes that hold them: as commented YAML, as a page, as a JSON schema."""
