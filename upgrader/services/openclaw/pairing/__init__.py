"""Pairing data of both eras in one form, how it is edited when no gateway runs, and the scopes each client asks for."""
