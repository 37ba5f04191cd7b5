"""What a journal and a slot name a file-system object by."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FileId:
    """Which file-system object this is: device and inode stay with it through renames."""

    device: int
    inode: int
