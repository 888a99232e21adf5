"""The rule language: text that admins edit, read into one checked set of rules.

Pure: text comes in as data, time comes in as data. The only importer of yaml is `document`.
"""
