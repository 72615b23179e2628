"""One file per page: what stands where. Queries are in services, drawing in components."""
