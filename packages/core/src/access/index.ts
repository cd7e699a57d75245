export {
  AccessConfig,
  type AccessFaultOptions,
  areTokensOpen,
  findAccessFaults,
  findGrants,
  findTokenRights,
  Grant,
  type GrantReceiver,
  GroupName,
  matchesText,
  parseAccessConfig,
  RoleName,
  toGroups,
  toRight,
  toRights,
  withOwnTokens,
} from "./access-config.ts";
export {
  ApiTokenRecord,
  ApiTokenRequest,
  checkHandedOn,
  findSecretEnd,
  isOwnToken,
  isReplaced,
  isUseNews,
  makeApiToken,
  revokeApiToken,
  rotateApiToken,
  statusOfToken,
  type TokenCreator,
  toOverlapMs,
  toRecordEnd,
  toTokenEnd,
} from "./api-token.ts";
export {
  type AuditHead,
  type ChainCheck,
  type ChainFault,
  type ChainReport,
  checkChain,
  type KnownHead,
  parseLine,
} from "./audit-chain.ts";
export {
  AUDIT_RETENTION_DAYS,
  type AuditEntry,
  type AuditLine,
  type AuditOutcome,
  type AuditSubject,
  type PendingEntry,
  toPendingKey,
  toSealedKey,
} from "./audit-entry.ts";
export { type AuditFilter, type AuditLog, createAuditLog } from "./audit-log.ts";
export { type AuditSealer, createAuditSealer } from "./audit-seal.ts";
export {
  type AuditedAction,
  type AuditWriter,
  type AuditWriterDeps,
  createAuditWriter,
  type NewAuditEntry,
} from "./audit-writer.ts";
export { BY_FIELDS, type By, findPersonId, toBy } from "./by.ts";
export { formatClosed, isOpen, toChannelRights } from "./channel.ts";
export {
  findCredentialEnd,
  findEnded,
  hasEnded,
  noteEndedSession,
  TOKENS,
  toCredential,
  toTokenKey,
} from "./credentials.ts";
export {
  type AccessDecision,
  type AccessSubject,
  decideAccess,
  findDelegate,
  findExcess,
  isUnlimited,
  isWithin,
  OLD_RIGHTS,
  type Right,
  type Rights,
  type Scope,
  scopesOf,
} from "./decide-access.ts";
export { type DefinitionSubject, mayReadDefinition } from "./decide-definition.ts";
export {
  decideEvent,
  type EventDecision,
  formatServiceDenial,
  isInternalMachine,
  SERVICE_RIGHTS,
  type SentEvent,
} from "./decide-event.ts";
export {
  EXTRA_PERMISSIONS,
  PERMISSIONS,
  type Permission,
  permissionOfEvent,
  permissionsOf,
  ROLES,
  type Role,
} from "./permissions.ts";
export { isPlainName } from "./plain-name.ts";
export type { RouteAccess, RouteSubject } from "./route-access.ts";
export {
  CHANNELS,
  type Channel,
  SENDER_KINDS,
  type Sender,
  type SenderKind,
  toCodePersonId,
  toPersonId,
} from "./sender.ts";
export { findProxyWarning, findServerUrlFault, isLoopbackUrl, type ServerAddress } from "./server-address.ts";
export { readSignedHead, type SignedHead } from "./signed-head.ts";
export { findSecretPrefix, formatSecret, type SecretPrefix } from "./token-format.ts";
