export { checkYard } from "./check-yard.ts";
export type { Finding } from "./finding.ts";
export { type AwsYard, openYard } from "./open-yard.ts";
export { createYardAws } from "./yard-aws.ts";
export type { YardContext } from "./yard-deps.ts";
