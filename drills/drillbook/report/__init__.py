"""What people see of a drill afterwards: evidence, page, results, summaries. It judges nothing."""
