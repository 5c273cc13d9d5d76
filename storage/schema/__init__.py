"""The tables, one file for each step of the schema. What is stored how stands in the file of the step that made it."""
