"""Why a document was removed, from the tables of a corpus and the texts that belong to it."""
