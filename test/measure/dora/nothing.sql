-- No data: no row, no figure.
SELECT 1;
