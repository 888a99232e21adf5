"""The grammar of rule files: one module for each part of a file, each from nodes to the types of `ozrules.rules.model`.

Every part is a shape (`ozrules.rules.shape`), so that the JSON Schema is made of the same definitions that read.
"""
