"""One of the parts that the machines of a CI matrix divide the files into."""

from __future__ import annotations

from torchlint.record import Record


class Shard(Record):
    """Part ``number`` of ``total``, counted from 1."""

    number: int
    total: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """``2/8``; raises ``ValueError`` for what names no part."""
        number, slash, total = text.partition("/")
        # `isdecimal` alone would take the digits of other scripts.
        if not (slash and text.isascii() and number.isdecimal() and total.isdecimal()):
            raise ValueError(text)
        shard = cls(int(number), int(total))
        if not 1 <= shard.number <= shard.total:
            raise ValueError(text)
        return shard

    def holds(self, path: str) -> bool:
        """Whether a file belongs to this part. Only its own path counts, so another file moves nothing."""
        import hashlib  # here, because most runs have no parts

        digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).digest()
        return int.from_bytes(digest[:8], "big") % self.total == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"
