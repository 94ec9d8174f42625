"""What ``rpmhub doctor`` touches: each answers within a bound and leaves nothing behind."""
