-- The same rows in another order.
SELECT setseed(0.7);
CREATE TABLE deployment_two AS FROM deployment ORDER BY random();
CREATE TABLE change_two AS FROM change ORDER BY random();
CREATE TABLE commit_two AS FROM commit ORDER BY random();
CREATE TABLE incident_two AS FROM incident ORDER BY random();
DROP TABLE deployment; ALTER TABLE deployment_two RENAME TO deployment;
DROP TABLE change; ALTER TABLE change_two RENAME TO change;
DROP TABLE commit; ALTER TABLE commit_two RENAME TO commit;
DROP TABLE incident; ALTER TABLE incident_two RENAME TO incident;
