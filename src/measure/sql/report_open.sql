-- What is open at the end of the window, and since when the oldest of it.
SELECT what, n, CAST(oldest_s AS DOUBLE) AS oldest_s FROM open_at_end WHERE n > 0
