"""What every page and API answer shares: who may enter, forms, errors, headers. It knows no domain."""
