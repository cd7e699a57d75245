export type { Finding } from "@stackyard/sdk/commands";
export { checkYard } from "./check-yard.ts";
export { type AwsYard, openYard } from "./open-yard.ts";
export { createYardAws } from "./yard-aws.ts";
export type { YardContext } from "./yard-deps.ts";
