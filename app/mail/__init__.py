"""The post office: letters are rows before they are mail, and a letter's state never says more than is known."""
