"""What an archive may contain: names that stay in the folder, plain kinds, and no more than fits.

Nothing that an archive says about itself is believed: sizes are checked as they are declared, and
counted again as they come.
"""

import dataclasses
import posixpath
from pathlib import Path

from fkeras.errors import ArchiveError, UserInputError
from fkeras.io.archive_members import Member
from fkeras.io.paths import parts_of, reason_to_refuse


@dataclasses.dataclass(frozen=True)
class ExtractionLimits:
    """How much may come out of an archive before it counts as a bomb.

    Raise them for an archive that you trust; the defaults are far above what data sets and weights
    need.

    Args:
        ratio: bytes that may come out for each byte of the archive, 1 or more. Text gives about 5.
        always_allowed: bytes that may come out however small the archive is, since a small file of
            zeros is harmless.
        members: how many files, folders and links there may be.
        depth: how many folders may be inside of each other.

    Raises:
        UserInputError: a limit that would refuse every archive.

    Examples:
        >>> from fkeras.io import ExtractionLimits
        >>> ExtractionLimits(ratio=10, always_allowed=1000).bytes_for(archive_size=500)
        5000
    """

    ratio: float = 100.0
    always_allowed: int = 64 * 2**20
    members: int = 1_000_000
    depth: int = 64

    def __post_init__(self) -> None:
        wrong = {
            name: value
            for name, value, least in (
                ("ratio", self.ratio, 1),
                ("always_allowed", self.always_allowed, 0),
                ("members", self.members, 1),
                ("depth", self.depth, 1),
            )
            if not value >= least
        }
        if wrong:
            raise UserInputError(
                "ExtractionLimits expected ratio, members and depth of 1 or more, and "
                f"always_allowed of 0 or more. Received: {wrong}"
            )

    def bytes_for(self, archive_size: int) -> int:
        """The bytes that may come out of an archive.

        Args:
            archive_size: of the archive itself, in bytes.
        """
        return max(self.always_allowed, int(self.ratio * archive_size))


class ArchiveInspector:
    """Checks the members of one archive as they come, and counts what comes out of it.

    Args:
        archive: path of the archive.
        limits: how much may come out.
    """

    def __init__(self, archive: Path, limits: ExtractionLimits) -> None:
        self._archive, self._limits = archive, limits
        self.allowed_bytes = limits.bytes_for(archive.stat().st_size)
        self._members = self._declared = self._written = 0

    def check(self, member: Member) -> tuple[str, ...]:
        """Refuses a member that must not be extracted.

        Args:
            member: the next one of the archive.

        Returns:
            The parts of its name, to join to the folder; empty for the folder itself.

        Raises:
            ArchiveError: with the file, the member and the reason.
        """
        self._members += 1
        self._declared += member.size
        parts = parts_of(member.name)
        reason = (
            reason_to_refuse(member.name)
            or self._reason_of_kind(member, parts)
            or self._reason_of_limits(parts)
        )
        if reason:
            raise self.error(member, reason)
        self._refuse_above(self._declared, member, "declares")
        return parts

    def count_written(self, member: Member, size: int) -> None:
        """Counts bytes that were really in a member.

        Args:
            member: where they come from.
            size: how many more, in bytes.

        Raises:
            ArchiveError: more than is allowed.
        """
        self._written += size
        self._refuse_above(self._written, member, "holds")

    def error(self, member: Member, reason: str) -> ArchiveError:
        """The error for a member; the caller raises it.

        Args:
            member: what is wrong.
            reason: the end of a sentence that begins with the member.
        """
        return ArchiveError(
            f"'{self._archive}' was not extracted: its member '{member.name}' {reason}. Do not use "
            "archives whose source you do not trust."
        )

    def _reason_of_kind(self, member: Member, parts: tuple[str, ...]) -> str | None:
        if member.kind == "other":
            return "is neither a file nor a folder nor a link (a device, a pipe)"
        if member.kind != "directory" and not parts:
            return "has no name"
        if member.kind == "symbolic link":
            return _reason_of_target(member.target, posixpath.dirname("/".join(parts)))
        if member.kind == "hard link":
            return _reason_of_target(member.target, "")
        return None

    def _reason_of_limits(self, parts: tuple[str, ...]) -> str | None:
        if self._members > self._limits.members:
            return (
                f"is one more than {self._limits.members} members. If you trust it, pass "
                "ExtractionLimits(members=...)"
            )
        if len(parts) > self._limits.depth:
            return (
                f"is {len(parts)} levels deep, more than {self._limits.depth}. If you trust it, "
                "pass ExtractionLimits(depth=...)"
            )
        return None

    def _refuse_above(self, size: int, member: Member, verb: str) -> None:
        if size > self.allowed_bytes:
            raise self.error(
                member,
                f"{verb} more than is left of {self.allowed_bytes} bytes that may come out of the "
                "archive. If you trust it, pass ExtractionLimits(ratio=...)",
            )


def _reason_of_target(target: str, parent: str) -> str | None:
    """Why a link must not be made. Its target counts from the folder that it stands in.

    Only the words are looked at here; that links which point to links stay inside is checked when
    all have been made.
    """
    if not target:
        return "is a link to nothing"
    # A target may go up, unlike a name, as long as it stays in the folder that is extracted to.
    inside = posixpath.normpath(posixpath.join(parent, target))
    reason = reason_to_refuse(target if target.startswith("/") else inside)
    return f"is a link to '{target}', which points out of the folder" if reason else None
