import type { PublishedArtifact } from "./fan-out.ts";

/** Why a manifest is refused. */
export interface ManifestFault {
  readonly code: "MANIFEST_INVALID" | "KEY_INVALID";
  readonly reason: string;
}

/** Why a version is refused. */
export interface VersionFault {
  readonly code: ManifestFault["code"] | "VERSION_CONFLICT" | "SOURCE_MISSING" | "SIZE_MISMATCH" | "SHA256_MISMATCH";
  readonly reason: string;
}

/** A refused manifest and the reason. `retryUntil`: it is checked again until then; null: given up. */
interface Refusal extends VersionFault {
  readonly key: string;
  readonly versionId: string | null;
  readonly retryUntil: number | null;
}

/** The outcome for a manifest. */
export type PublishOutcome =
  | { readonly kind: "published"; readonly artifact: PublishedArtifact; readonly messages: number }
  /** The version was announced earlier. */
  | { readonly kind: "known"; readonly artifact: PublishedArtifact }
  /** Another process works on it, or has crashed: the outbox finishes it. */
  | { readonly kind: "running" }
  /** A later upload of the same key replaced it before it was announced. */
  | { readonly kind: "replaced" }
  /** Not a manifest of this bucket, or one that was deleted: nothing is to be published. */
  | { readonly kind: "ignored" }
  | { readonly kind: "refused"; readonly refusal: Refusal };
