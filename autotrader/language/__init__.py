"""From the bytes of rule files to checked, compiled rules: what users write and what it means. Pure."""
