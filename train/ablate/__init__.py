"""`train ablate`: one measure after the other, or a grid."""
