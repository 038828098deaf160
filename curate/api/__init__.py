"""The functions of `import curate`: paths and keywords in, plain results out, nothing printed."""
