"""What people see of a drill afterwards: evidence, page, results, summaries. Reads events and results; judges nothing."""
