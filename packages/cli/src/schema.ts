// For the schemas of executors: a project that installs the one file has no other library. Not in the main entry, which the
// configuration of each project loads.
export { type Static, type TSchema, Type } from "typebox";
