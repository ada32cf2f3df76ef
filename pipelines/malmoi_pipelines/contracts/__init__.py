"""What all packages agree on: schemas, dataset folders, manifests, ledgers, files. No Beam, no torch."""
