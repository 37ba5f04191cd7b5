"""SQLite of others: read without a trace beside the file, and copied as of one moment while its owner works on."""
