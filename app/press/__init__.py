"""Typesetting: data in, PDF out. It knows no statement and no petition, and never mixes people's words with markup."""
