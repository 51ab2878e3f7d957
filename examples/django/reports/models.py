"""A row that the leader writes, and that no leader of earlier days can overwrite.

Run: see management/commands/report.py, which writes it
"""

from django.db import models


class Overtaken(Exception):
    """A later leader has written the row."""


class Report(models.Model):
    """A report, with the term of the leadership that wrote it."""

    name = models.CharField(max_length=100, primary_key=True)
    text = models.TextField()
    term = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.text} (term {self.term})"

    @classmethod
    def write(cls, name: str, text: str, term: int) -> None:
        """Write it in one statement that checks the term.

        Raises:
            Overtaken: nothing was written.
        """
        cls.objects.get_or_create(name=name)
        if not cls.objects.filter(name=name, term__lte=term).update(text=text, term=term):
            raise Overtaken(f"a later leader has written {name}, and ours has term {term}")
