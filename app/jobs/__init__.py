"""Work that outlives a request, and the only door to Huey. The rows are the work; the queue is only the bell."""
