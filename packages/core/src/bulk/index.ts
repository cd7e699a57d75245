// An entry of its own: the start of a function does not read it; see `../yard/index.ts`.
export { type Bulks, createBulks } from "./run-bulks.ts";
