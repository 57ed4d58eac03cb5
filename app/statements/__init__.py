"""The joint text: drafted in revisions, reviewed, frozen under a digest."""
