"""The demonstration campaign: its data, and the script that plays it through the commands the web uses."""
