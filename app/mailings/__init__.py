"""One letter to very many readers: planned table to table, handed over a thousand at a time, never twice by guess."""
