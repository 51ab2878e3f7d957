"""The settings of a Django project that has the app `reports` and a database, and no more.

Run: see reports/management/commands/report.py; in a project of your own, add "reports" to INSTALLED_APPS
"""

import os
from pathlib import Path

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DATABASE", Path(__file__).with_name("db.sqlite3")),
    }
}
INSTALLED_APPS = ["reports"]
USE_TZ = True
