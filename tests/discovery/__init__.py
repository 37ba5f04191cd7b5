"""Discovery, through real directories and processes."""
