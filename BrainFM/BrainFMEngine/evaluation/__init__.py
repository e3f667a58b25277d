"""How good a model is: metrics, inputs with known answers, and the tables that say so."""
