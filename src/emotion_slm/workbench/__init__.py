"""What people do with runs: report, review, lineage, fsck, gc, release."""
