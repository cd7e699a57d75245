export { toInitialSetDefinition } from "./initial-set-definition.ts";
