import fc from "fast-check";

// Loaded before each file of tests. With a seed, properties draw the same cases each time: `.ci/run` takes that of the tree, so that what
// was green stays green, a failure comes again at a desk, and the next commit draws others.
const seed = process.env["PROPERTY_SEED"];
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
