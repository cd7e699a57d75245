export type { SessionOptions } from "./assume-role.ts";
export { type AwsAccess, type AwsAccessOptions, createAwsAccess } from "./aws-access.ts";
export { type AwsFault, type AwsFaultKind, findAwsFault, toAwsError } from "./aws-fault.ts";
export { findEmulator } from "./find-emulator.ts";
export { createLimiter, type LimitedCall, type Limiter, type LimiterInput } from "./limiter.ts";
export type { ClientPlugin } from "./limiter-plugin.ts";
export { QUOTAS, type Quota } from "./quotas.ts";
export { redactText } from "./redact-text.ts";
export type { TargetDefaults } from "./target-identity.ts";
