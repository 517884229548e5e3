-- The end of life of which somebody was warned: each is told of once, also when it is put off and comes near again.
ALTER TABLE robots ADD COLUMN warned_for timestamptz;
