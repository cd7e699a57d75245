export { isAllowedKey } from "./allowed-key.ts";
export type { ArtifactMessage } from "./artifact-message.ts";
export {
  type ConsumerConfig,
  decideMessage,
  type KnownArtifact,
  type MessageDecision,
  type RejectCode,
} from "./decide-message.ts";
export { judgeUrl, type UrlFault, type UrlRules, type UrlVerdict } from "./judge-url.ts";
export type { MessageAttribute, MessageRecord } from "./message-record.ts";
export { type Receipt, type ReceiptInput, type ReceiptOutcome, toReceipt } from "./receipt.ts";
export { redactUrl } from "./redact-url.ts";
export { type RewriteInput, rewriteTemplate } from "./rewrite-template.ts";
export type { SourceBucket } from "./source-hosts.ts";
