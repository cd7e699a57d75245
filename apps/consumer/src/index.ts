export { handler } from "./copy.ts";
export { bucket, initialSet } from "./resources.ts";
