"""Organizations working together: members, roles, invitations."""
