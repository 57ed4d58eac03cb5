"""Companies, bodies and officials that a demand goes to."""
