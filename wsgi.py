"""The application as servers and ``flask`` import it; wrong settings stop it with a sentence each."""

import sys

from app import create_app
from config.settings import Settings, SettingsError

try:
    app = create_app(Settings.from_env())
except SettingsError as error:
    sys.exit(f"Undersigned cannot start:\n{error}")
