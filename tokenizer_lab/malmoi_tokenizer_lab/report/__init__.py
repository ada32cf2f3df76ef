"""What is written about an expansion: tables of the loop, figures, report, pictures, model card."""
