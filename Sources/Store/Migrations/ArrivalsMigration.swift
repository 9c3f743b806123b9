/// Since when hosts have what they did not have at first: clocks of findings run per asset.
let arrivalsMigration = Migration(
    number: 16, name: "arrivals",
    schema: """
        -- A source package that came to a host after its first report: since when it is there, and since when it is gone. A
        -- host's other packages are there from its beginning and have no row. `since` is 0 for one of these that is gone.
        CREATE TABLE package_arrivals (
            organisation {text} NOT NULL,
            host {text} NOT NULL,
            source {text} NOT NULL,
            since {integer} NOT NULL,
            left_at {integer},
            PRIMARY KEY (organisation, host, source),
            FOREIGN KEY (organisation, host) REFERENCES hosts (organisation, id)
        ) {keyed table};
        CREATE INDEX package_arrivals_by_end ON package_arrivals (left_at);
        -- The host that the same machine was before it was enrolled again, and from when its clocks run; null for the enrolment.
        ALTER TABLE hosts ADD COLUMN continues {text} NOT NULL DEFAULT '';
        ALTER TABLE hosts ADD COLUMN clocks_from {integer};
        -- 0 where the reports that the server has are still to be read for what came.
        ALTER TABLE hosts ADD COLUMN arrivals_read {integer} NOT NULL DEFAULT 1;
        UPDATE hosts SET arrivals_read = 0;
        """)
