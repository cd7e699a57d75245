export { type Absence, type AfterAbsence, decideAbsence, lookUntilComplete } from "./absence.ts";
export type { SessionOptions } from "./assume-role.ts";
export { type AwsAccess, type AwsAccessOptions, createAwsAccess, loadOwnAccount } from "./aws-access.ts";
export {
  type Answer,
  type AnswerPolicy,
  type AwsFault,
  findAwsFault,
  isThrottleText,
  redactText,
  toAnswer,
  toAwsError,
} from "./aws-fault.ts";
export { type CallEnd, type CallPolicy, type CallRepetition, callAws } from "./call-aws.ts";
export { asProbe } from "./call-plugin.ts";
export { findEmulator, findRegion, toArnPart } from "./environment.ts";
export { findDeadline, listUnanswered, runOptional } from "./invocation.ts";
export { type KeptTime, type LambdaContext, runInvocation } from "./lambda-context.ts";
export {
  type ClientPlugin,
  createLimiter,
  type LimitedCall,
  type Limiter,
  type LimiterInput,
  QUOTAS,
  type Quota,
} from "./limiter.ts";
export { type Denial, decideDenial, isDenial, NEW_ROLE_MS } from "./new-role.ts";
export { escapeFilterValue } from "./request-values.ts";
export type { TargetDefaults } from "./target-identity.ts";
export { createUploadPlugin, findUploadEncryption, type UploadEncryption } from "./upload-encryption.ts";
