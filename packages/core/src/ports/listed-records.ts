// Records that functions in other accounts write and servers list. Apart from the schemas of the API, which a function
// should not read to know a key.

/** The prefix of the keys of records with requests of `Custom::ECSTask`, the newest first. */
export const CUSTOM_RESOURCE_RUNS = "custom-resource-runs/";

/** The prefix of the keys of records with release places. */
export const RELEASE_PLACES = "release-places/";
