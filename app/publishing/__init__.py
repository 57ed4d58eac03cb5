"""Pages for the public: the letter, the campaign, the target, verification."""
