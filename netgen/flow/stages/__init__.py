"""The stages of a build, one file each. A stage's fingerprint covers exactly the code that its file imports."""
