"""People who signed, and the ledger of what they said yes and no to."""
