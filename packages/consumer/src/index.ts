export { isManifestKey as isAllowedKey } from "@stackyard/sdk/artifacts";
export {
  type ConsumerConfig,
  decideMessage,
  type KnownArtifact,
  type MessageAttribute,
  type MessageDecision,
  type MessageRecord,
  type RejectCode,
} from "./decide-message.ts";
export {
  evaluateUrl,
  redactUrl,
  type SourceBucket,
  type UrlFault,
  type UrlRules,
  type UrlVerdict,
} from "./evaluate-url.ts";
export { type ArtifactMessage, type Receipt, type ReceiptInput, type ReceiptOutcome, toReceipt } from "./messages.ts";
export { type RewriteInput, rewriteTemplate } from "./rewrite-template.ts";
