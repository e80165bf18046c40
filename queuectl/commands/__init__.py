"""Every command once: its grammar and its handler, used by one-shot and shell alike."""
