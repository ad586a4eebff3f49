-- What lies in the window and is in no figure, or in some alone.
SELECT what, reason, n FROM out_count ORDER BY n DESC, what, reason
