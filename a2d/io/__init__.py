"""Files, folders and downloads: what lies below the pipeline."""
